package swarm

import (
	"hash/crc32"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// The text of a message: a header that a person can read, then text that follows from
// the seed, so that the receiver can make the whole of it again.
//
//	S1 RUN PUBLISHER COUNTER SCHEDULED CRC text…
//
// All numbers are hexadecimal of fixed width. CRC is CRC-32C of everything else.
const (
	runDigits       = 8
	publisherDigits = 5
	counterDigits   = 8
	scheduledDigits = 14 // nanoseconds since the run began: two years
	crcDigits       = 8

	runAt       = len("S1 ")
	publisherAt = runAt + runDigits + 1
	counterAt   = publisherAt + publisherDigits + 1
	scheduledAt = counterAt + counterDigits + 1
	crcAt       = scheduledAt + scheduledDigits + 1
	headerBytes = crcAt + crcDigits + 1
)

// message is what a text says of itself.
type message struct {
	publisher uint32 // index of the client
	counter   uint32 // the publisher's messages are numbered from 1
	scheduled int64  // when it was due, or made, in nanoseconds since the run began
}

// payloads makes and checks the texts of one run. Its scratch makes it a thing for one
// goroutine.
type payloads struct {
	seed      uint64
	run       uint32
	sizeBytes int
	crc       *crc32.Table
	scratch   []byte
}

func newPayloads(seed uint64, sizeBytes int) *payloads {
	return &payloads{seed: seed, run: uint32(mix(seed)), sizeBytes: sizeBytes, crc: crc32.MakeTable(crc32.Castagnoli)}
}

// append appends the text of m to dst.
func (p *payloads) append(dst []byte, m message) []byte {
	from := len(dst)
	dst = append(dst, "S1 "...)
	dst = append(appendHex(dst, uint64(p.run), runDigits), ' ')
	dst = append(appendHex(dst, uint64(m.publisher), publisherDigits), ' ')
	dst = append(appendHex(dst, uint64(m.counter), counterDigits), ' ')
	dst = append(appendHex(dst, uint64(m.scheduled), scheduledDigits), ' ')
	dst = append(dst, "00000000 "...)
	dst = p.appendFill(dst, from+p.sizeBytes, mix(p.seed^uint64(m.publisher)<<32^uint64(m.counter)))
	b := dst[from:]
	sum := crc32.Update(crc32.Checksum(b[:crcAt], p.crc), p.crc, b[crcAt+crcDigits:])
	appendHex(b[:crcAt], uint64(sum), crcDigits)
	return dst
}

// appendFill appends letters of one to four bytes until dst is end bytes long.
func (p *payloads) appendFill(dst []byte, end int, state uint64) []byte {
	for left := end - len(dst); left > 0; left = end - len(dst) {
		state += 0x9e3779b97f4a7c15
		r := mix(state)
		switch k := r & 31; {
		case k == 0 && left >= 4:
			dst = utf8.AppendRune(dst, rune(0x1f600+r>>8%64)) // faces
		case k < 4 && left >= 3:
			dst = utf8.AppendRune(dst, rune(0xac00+r>>8%11172)) // Hangul syllables
		case k < 6 && left >= 2:
			dst = utf8.AppendRune(dst, rune(0xe0+r>>8%31)) // Latin letters with marks
		default:
			for range min(left, 8) { // letters and the space
				dst = append(dst, "abcdefghijklmnopqrstuvwxyz 0123 "[r>>59])
				r <<= 5
			}
		}
	}
	return dst
}

// parse reads the header of a text. False: it is none of this run.
func (p *payloads) parse(text string) (m message, ok bool) {
	if len(text) < headerBytes || text[:runAt] != "S1 " {
		return m, false
	}
	run, ok1 := parseHex(text[runAt : runAt+runDigits])
	publisher, ok2 := parseHex(text[publisherAt : publisherAt+publisherDigits])
	counter, ok3 := parseHex(text[counterAt : counterAt+counterDigits])
	scheduled, ok4 := parseHex(text[scheduledAt : scheduledAt+scheduledDigits])
	m = message{publisher: uint32(publisher), counter: uint32(counter), scheduled: int64(scheduled)}
	return m, ok1 && ok2 && ok3 && ok4 && uint32(run) == p.run
}

// check reads a text and makes it again. False: it is not what its publisher sent.
func (p *payloads) check(text string) (m message, ok bool) {
	if m, ok = p.parse(text); !ok {
		return m, false
	}
	p.scratch = p.append(p.scratch[:0], m)
	return m, unsafe.String(&p.scratch[0], len(p.scratch)) == text
}

// mix spreads the bits of x (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

func appendHex(dst []byte, v uint64, digits int) []byte {
	for i := digits - 1; i >= 0; i-- {
		dst = append(dst, "0123456789abcdef"[v>>(4*i)&15])
	}
	return dst
}

func parseHex(s string) (uint64, bool) {
	var v uint64
	for i := range len(s) {
		switch c := s[i]; {
		case '0' <= c && c <= '9':
			v = v<<4 | uint64(c-'0')
		case 'a' <= c && c <= 'f':
			v = v<<4 | uint64(c-'a'+10)
		default:
			return 0, false
		}
	}
	return v, true
}

// roomName and userName differ between runs, so that two runs against the same data
// do not meet.
func roomName(c *Config, i int) string { return name(c, 'r', i) }

func userName(c *Config, i int) string { return name(c, 'u', i) }

func name(c *Config, kind byte, i int) string {
	b := append([]byte(c.RoomPrefix), '-')
	b = appendHex(b, mix(c.Seed)&0xffffffff, runDigits)
	b = append(b, kind)
	return string(strconv.AppendInt(b, int64(i), 10))
}
