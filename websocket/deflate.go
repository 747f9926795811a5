package websocket

import (
	"bytes"
	"compress/flate"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// Compression of messages: RFC 7692. Each message is compressed by itself, in both directions
// ("no context takeover"): a connection keeps no window, and bytes that many read are compressed
// once.

const (
	deflateName = "permessage-deflate" // RFC 7692, section 7

	// deflateAnswer is how an offer is accepted.
	deflateAnswer = deflateName + "; server_no_context_takeover; client_no_context_takeover"

	windowBitsLeast = 8 // section 7.1.2
	windowBitsMost  = 15
)

// AcceptDeflate returns what the header Sec-WebSocket-Extensions of a server's answer is to say
// if compression is wanted: the first of a client's offers that can be accepted is. Not ok:
// there is none.
func AcceptDeflate(request http.Header) (answer string, ok bool) {
	for _, line := range request.Values("Sec-Websocket-Extensions") {
		for _, offer := range splitUnquoted(line, ',') {
			words := splitUnquoted(offer, ';')
			if !strings.EqualFold(words[0], deflateName) {
				continue
			}
			if answer, ok := acceptOffer(words[1:]); ok {
				return answer, true
			}
		}
	}
	return "", false
}

// acceptOffer checks the parameters of an offer; section 7.1.
func acceptOffer(words []string) (answer string, ok bool) {
	answer = deflateAnswer
	var seen []string
	for _, w := range words {
		name, value, has := strings.Cut(w, "=")
		name, value = strings.ToLower(strings.TrimSpace(name)), unquoted(strings.TrimSpace(value))
		if slices.Contains(seen, name) {
			return "", false
		}
		seen = append(seen, name)
		switch name {
		case "server_no_context_takeover", "client_no_context_takeover":
			if has {
				return "", false
			}
		case "server_max_window_bits":
			// What many read is compressed once, with the window that most can take.
			if value != strconv.Itoa(windowBitsMost) {
				return "", false
			}
			answer += "; server_max_window_bits=15"
		case "client_max_window_bits": // whatever it takes: it is read with the largest
			if has && !windowBits(value) {
				return "", false
			}
		default:
			return "", false
		}
	}
	return answer, true
}

// windowBits reports whether s is a number of bits, without zeros before it.
func windowBits(s string) bool {
	n, err := strconv.Atoi(s)
	return err == nil && n >= windowBitsLeast && n <= windowBitsMost && strconv.Itoa(n) == s
}

// splitUnquoted splits at sep where that is in no quotes, and trims the parts.
func splitUnquoted(s string, sep byte) (parts []string) {
	from, quoted := 0, false
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '\\' && quoted:
			i++
		case s[i] == '"':
			quoted = !quoted
		case s[i] == sep && !quoted:
			parts = append(parts, strings.TrimSpace(s[from:i]))
			from = i + 1
		}
	}
	return append(parts, strings.TrimSpace(s[from:]))
}

// unquoted is a value without the quotes that it may have: RFC 6455, section 9.1.
func unquoted(s string) string {
	if inner, ok := strings.CutPrefix(s, `"`); ok {
		if inner, ok = strings.CutSuffix(inner, `"`); ok {
			return inner
		}
	}
	return s
}

// deflateTail ends what a sync flush writes; senders leave it out: section 7.2.1.
const deflateTail = "\x00\x00\xff\xff"

// inflateTail is put behind a message, so that it ends for a reader of DEFLATE: what was left out,
// and an empty last block.
const inflateTail = deflateTail + "\x01\x00\x00\xff\xff"

// writers are compressors: some 0.8 MB each, as many as compress at once. Level 1 is the quickest:
// it is workers that wait for it.
var writers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(io.Discard, flate.BestSpeed)
	if err != nil {
		panic(err) // the level is a constant
	}
	return &deflater{writer: w}
}}

type deflater struct {
	writer *flate.Writer
	buf    bytes.Buffer
}

// DeflateFrame compresses the message in the frame that stands in dst from at on, whole and as a
// server sends it, if that makes it shorter and it has so many bytes at least.
func DeflateFrame(dst []byte, at, least int) []byte {
	h, err := Framer{PayloadBytesMax: len(dst)}.Header(dst[at:])
	if err != nil || h.Bytes == 0 || h.Opcode.Control() || !h.Fin || h.Payload < least {
		return dst
	}
	d := writers.Get().(*deflater)
	defer writers.Put(d)
	d.buf.Reset()
	d.writer.Reset(&d.buf)
	if _, err = d.writer.Write(dst[at+h.Bytes:]); err == nil {
		err = d.writer.Flush()
	}
	short := bytes.TrimSuffix(d.buf.Bytes(), []byte(deflateTail))
	if err != nil || len(short) >= h.Payload {
		return dst
	}
	dst = AppendHeader(dst[:at], true, h.Opcode, len(short))
	dst[at] |= bitRSV1
	return append(dst, short...)
}

// Inflater decompresses messages, one after the other. The zero value is good; it has some 40 KB
// once it was used, and is for one goroutine.
type Inflater struct {
	reader io.ReadCloser
	src    bytes.Reader
	tailed []byte
	buf    []byte
}

// inflate decompresses a whole message to at most so many bytes. What is returned is good until
// the next call.
func (f *Inflater) inflate(b []byte, most int) ([]byte, error) {
	f.tailed = append(append(f.tailed[:0], b...), inflateTail...)
	f.src.Reset(f.tailed)
	if f.reader == nil {
		f.reader = flate.NewReader(&f.src)
	} else if err := f.reader.(flate.Resetter).Reset(&f.src, nil); err != nil {
		return nil, violation("a message that can not be decompressed")
	}
	f.buf = f.buf[:0]
	for {
		f.buf = slices.Grow(f.buf, min(max(len(b), 512), most+1))
		n, err := f.reader.Read(f.buf[len(f.buf):cap(f.buf)])
		f.buf = f.buf[:len(f.buf)+n]
		switch {
		case len(f.buf) > most:
			return nil, tooBig(most)
		case err == io.EOF && f.src.Len() > len(inflateTail)+1: // a last block, and more behind it
			return nil, violation("a compressed message with more behind its end")
		case err == io.EOF:
			return f.buf, nil
		case err != nil:
			return nil, violation("a message that can not be decompressed")
		}
	}
}

// inflated is a whole compressed message as it was meant.
func (m *Messages) inflated(op Opcode, b []byte) (Opcode, []byte, error) {
	b, err := m.Inflater.inflate(b, m.BytesMax)
	if err != nil {
		return 0, nil, err
	}
	if op == OpText && !utf8.Valid(b) {
		return 0, nil, badText()
	}
	return op, b, nil
}
