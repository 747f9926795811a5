package files

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
)

// errNotSo means that a file is not what its beginning says.
var errNotSo = errors.New("the file is not what its beginning says")

// The markers of JPEG (ITU-T T.81, table B.1).
const (
	jpegSOI  = 0xd8
	jpegEOI  = 0xd9
	jpegSOS  = 0xda
	jpegRST0 = 0xd0
	jpegRST7 = 0xd7
	jpegTEM  = 0x01
	jpegAPP0 = 0xe0
	jpegAPPF = 0xef
	jpegCOM  = 0xfe
)

// scansMax bounds the scans of a picture: to decode it takes as many passes.
const scansMax = 64

// cleanJPEG copies a picture without what cameras and programs say in it, and without what stands
// behind its end. It returns how the picture is to be turned (EXIF's orientation, 1 to 8), which
// is all that is kept of that.
func cleanJPEG(w *bufio.Writer, r *bufio.Reader) (orientation int, err error) {
	orientation = 1
	if b, err := r.Peek(2); err != nil || b[0] != 0xff || b[1] != jpegSOI {
		return 1, errNotSo
	}
	_, _ = r.Discard(2)
	_, _ = w.Write([]byte{0xff, jpegSOI})
	told, scans, begun := false, 0, false
	for {
		marker, err := jpegMarker(r, begun)
		if err != nil {
			return 1, err
		}
		// What says how to turn it comes first but for JFIF's own segment.
		if !told && orientation > 1 && marker != jpegAPP0 && (marker < jpegAPP0 || marker > jpegAPPF) {
			told = true
			_, _ = w.Write(orientationSegment(orientation))
		}
		switch {
		case marker == jpegEOI:
			_, err := w.Write([]byte{0xff, jpegEOI})
			return orientation, err
		case marker == jpegTEM || marker >= jpegRST0 && marker <= jpegRST7 || marker == jpegSOI || marker == 0:
			return 1, errNotSo
		}
		begun = false
		segment, err := jpegSegment(r)
		if err != nil {
			return 1, err
		}
		if bytes.HasPrefix(segment, []byte("Exif\x00\x00")) && marker == jpegAPP0+1 {
			orientation = exifOrientation(segment[6:])
			continue
		}
		if !jpegKeeps(marker, segment) {
			continue
		}
		_, _ = w.Write([]byte{0xff, marker, byte((len(segment) + 2) >> 8), byte(len(segment) + 2)})
		if _, err := w.Write(segment); err != nil {
			return 1, err
		}
		if marker == jpegSOS {
			if scans++; scans > scansMax {
				return 1, errNotSo
			}
			if err := copyScan(w, r); err != nil {
				return 1, err
			}
			begun = true
		}
	}
}

// jpegKeeps reports whether a segment is needed to show the picture: colours, and not words.
func jpegKeeps(marker byte, segment []byte) bool {
	switch {
	case marker == jpegCOM:
		return false
	case marker == jpegAPP0:
		return bytes.HasPrefix(segment, []byte("JFIF\x00"))
	case marker == jpegAPP0+2:
		return bytes.HasPrefix(segment, []byte("ICC_PROFILE\x00"))
	case marker == jpegAPP0+14:
		return bytes.HasPrefix(segment, []byte("Adobe"))
	case marker > jpegAPP0 && marker <= jpegAPPF:
		return false
	}
	return true
}

// jpegMarker reads the next marker, whose first byte was read already if it is begun.
func jpegMarker(r *bufio.Reader, begun bool) (b byte, err error) {
	if b = 0xff; !begun {
		if b, err = r.ReadByte(); err != nil || b != 0xff {
			return 0, errors.Join(errNotSo, err)
		}
	}
	for b == 0xff { // any number of them may stand before it
		if b, err = r.ReadByte(); err != nil {
			return 0, errors.Join(errNotSo, err)
		}
	}
	return b, nil
}

// jpegSegment reads what follows a marker: 64 KiB at most.
func jpegSegment(r *bufio.Reader) ([]byte, error) {
	var size [2]byte
	if _, err := io.ReadFull(r, size[:]); err != nil {
		return nil, errors.Join(errNotSo, err)
	}
	n := int(binary.BigEndian.Uint16(size[:]))
	if n < 2 {
		return nil, errNotSo
	}
	b := make([]byte, n-2)
	if _, err := io.ReadFull(r, b); err != nil {
		return nil, errors.Join(errNotSo, err)
	}
	return b, nil
}

// copyScan copies coded data up to the next marker that is none of a restart, and reads its first
// byte.
func copyScan(w *bufio.Writer, r *bufio.Reader) error {
	for {
		b, err := r.ReadByte()
		if err != nil {
			return errors.Join(errNotSo, err)
		}
		if b == 0xff {
			next, err := r.Peek(1)
			if err != nil {
				return errors.Join(errNotSo, err)
			}
			if next[0] == 0xff { // a fill byte: it is not needed
				continue
			}
			if next[0] != 0 && (next[0] < jpegRST0 || next[0] > jpegRST7) {
				return nil
			}
			_, _ = r.Discard(1)
			if _, err := w.Write([]byte{0xff, next[0]}); err != nil {
				return err
			}
			continue
		}
		if err := w.WriteByte(b); err != nil {
			return err
		}
	}
}

// exifOrientation returns what a TIFF structure says of it, 1 if that is nothing sensible.
func exifOrientation(b []byte) int {
	const tag, typeShort = 0x0112, 3
	if len(b) < 8 {
		return 1
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return 1
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return 1
	}
	entries := b[at+2:]
	for range order.Uint16(b[at:]) {
		if len(entries) < 12 {
			return 1
		}
		if order.Uint16(entries) == tag && order.Uint16(entries[2:]) == typeShort && order.Uint32(entries[4:]) == 1 {
			if n := int(order.Uint16(entries[8:])); n >= 1 && n <= 8 {
				return n
			}
			return 1
		}
		entries = entries[12:]
	}
	return 1
}

// orientationSegment is an APP1 that says nothing but how the picture is to be turned.
func orientationSegment(orientation int) []byte {
	return append([]byte{0xff, jpegAPP0 + 1, 0, 34}, []byte("Exif\x00\x00MM\x00*\x00\x00\x00\x08\x00\x01"+
		"\x01\x12\x00\x03\x00\x00\x00\x01\x00"+string(rune(orientation))+"\x00\x00\x00\x00\x00\x00")...)
}
