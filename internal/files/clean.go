package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// pngKept are the chunks that are needed to show a picture (PNG, third edition, section 11).
func pngKept(name string) bool {
	switch name {
	case "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "gAMA", "cHRM", "sRGB", "iCCP", "sBIT", "bKGD", "hIST", "pHYs", "sPLT",
		"acTL", "fcTL", "fdAT", "cICP", "mDCV", "cLLI":
		return true
	}
	return false
}

const pngSignature = "\x89PNG\r\n\x1a\n"

// cleanPNG copies a picture without words, times and EXIF, and without what stands behind its end.
func cleanPNG(w *bufio.Writer, r *bufio.Reader) error {
	if err := expect(w, r, pngSignature); err != nil {
		return err
	}
	for {
		head, err := r.Peek(8)
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		size, name := binary.BigEndian.Uint32(head), string(head[4:])
		if size > 1<<31-1 {
			return errNotSo
		}
		all := int64(size) + 12 // with size, name and checksum
		if !pngKept(name) {
			if err := skip(r, all); err != nil {
				return err
			}
			continue
		}
		if _, err := io.CopyN(w, r, all); err != nil {
			return errors.Join(errNotSo, err)
		}
		if name == "IEND" {
			return nil
		}
	}
}

// expect copies what has to stand next.
func expect(w *bufio.Writer, r *bufio.Reader, want string) error {
	b := make([]byte, len(want))
	if _, err := io.ReadFull(r, b); err != nil || string(b) != want {
		return errors.Join(errNotSo, err)
	}
	_, err := w.Write(b)
	return err
}

func skip(r *bufio.Reader, n int64) error {
	if m, err := io.CopyN(io.Discard, r, n); m != n {
		return errors.Join(errNotSo, err)
	}
	return nil
}

// The blocks of GIF89a.
const (
	gifExtension = 0x21
	gifImage     = 0x2c
	gifTrailer   = 0x3b
	gifControl   = 0xf9
	gifApp       = 0xff
)

// cleanGIF copies a picture without comments and programs' own blocks, but for the one that says
// how often it moves, and without what stands behind its end.
func cleanGIF(w *bufio.Writer, r *bufio.Reader) error {
	head := make([]byte, 13)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:6]) != "GIF87a" && string(head[:6]) != "GIF89a" {
		return errors.Join(errNotSo, err)
	}
	_, _ = w.Write(head)
	if err := copyColours(w, r, head[10]); err != nil {
		return err
	}
	for {
		kind, err := r.ReadByte()
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		switch kind {
		case gifTrailer:
			return w.WriteByte(kind)
		case gifImage:
			image := make([]byte, 9)
			if _, err := io.ReadFull(r, image); err != nil {
				return errors.Join(errNotSo, err)
			}
			_ = w.WriteByte(kind)
			_, _ = w.Write(image)
			if err := copyColours(w, r, image[8]); err != nil {
				return err
			}
			if _, err := io.CopyN(w, r, 1); err != nil { // the size of codes
				return errors.Join(errNotSo, err)
			}
			if err := copyBlocks(w, r); err != nil {
				return err
			}
		case gifExtension:
			if err := cleanExtension(w, r); err != nil {
				return err
			}
		default:
			return errNotSo
		}
	}
}

func cleanExtension(w *bufio.Writer, r *bufio.Reader) error {
	label, err := r.ReadByte()
	if err != nil {
		return errors.Join(errNotSo, err)
	}
	keep := label == gifControl
	if label == gifApp {
		head, err := r.Peek(12)
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		keep = head[0] == 11 && bytes.Equal(head[1:], []byte("NETSCAPE2.0"))
	}
	if !keep {
		return copyBlocks(nil, r)
	}
	_, _ = w.Write([]byte{gifExtension, label})
	return copyBlocks(w, r)
}

// copyColours copies a table of colours, if flags say that there is one.
func copyColours(w *bufio.Writer, r *bufio.Reader, flags byte) error {
	if flags&0x80 == 0 {
		return nil
	}
	if _, err := io.CopyN(w, r, 3<<(flags&7+1)); err != nil {
		return errors.Join(errNotSo, err)
	}
	return nil
}

// copyBlocks copies blocks up to the empty one, or reads over them if w is nil.
func copyBlocks(w *bufio.Writer, r *bufio.Reader) error {
	var b [256]byte
	for {
		size, err := r.ReadByte()
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		b[0] = size
		if _, err := io.ReadFull(r, b[1:1+int(size)]); err != nil {
			return errors.Join(errNotSo, err)
		}
		if w != nil {
			if _, err := w.Write(b[:1+int(size)]); err != nil {
				return err
			}
		}
		if size == 0 {
			return nil
		}
	}
}

// cleanWebP copies a picture without EXIF and XMP (RFC 9649). The size at the beginning is that of
// what is read: the caller sets it right, by webpSize.
func cleanWebP(w *bufio.Writer, r *bufio.Reader) error {
	head := make([]byte, 12)
	if _, err := io.ReadFull(r, head); err != nil || string(head[:4]) != "RIFF" || string(head[8:]) != "WEBP" {
		return errors.Join(errNotSo, err)
	}
	_, _ = w.Write(head)
	left := int64(binary.LittleEndian.Uint32(head[4:])) - 4
	for left > 0 {
		chunk, err := r.Peek(8)
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		name, size := string(chunk[:4]), int64(binary.LittleEndian.Uint32(chunk[4:]))
		all := 8 + size + size&1
		if left -= all; left < 0 {
			return errNotSo
		}
		switch name {
		case "VP8X":
			if size != 10 {
				return errNotSo
			}
			extended := make([]byte, 18)
			if _, err := io.ReadFull(r, extended); err != nil {
				return errors.Join(errNotSo, err)
			}
			const hasEXIF, hasXMP = 0x08, 0x04
			extended[8] &^= hasEXIF | hasXMP
			if _, err := w.Write(extended); err != nil {
				return err
			}
		case "VP8 ", "VP8L", "ALPH", "ANIM", "ANMF", "ICCP":
			if _, err := io.CopyN(w, r, all); err != nil {
				return errors.Join(errNotSo, err)
			}
		default:
			if err := skip(r, all); err != nil {
				return err
			}
		}
	}
	return nil
}

// webpSize is what stands at byte 4 of a picture of so many bytes.
func webpSize(bytes int64) []byte { return binary.LittleEndian.AppendUint32(nil, uint32(bytes-8)) }
