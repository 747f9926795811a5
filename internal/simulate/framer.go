package simulate

import "encoding/binary"

// framer finds the packets in a stream of bytes, by the header of docs/PROTOCOL.md.
type framer struct {
	kept []byte // the beginning of a packet
	skip int    // bytes of one that nobody looks into
}

// frame is a packet. Its payload is lent, and nil if nobody wants it.
type frame struct {
	id, size int
	payload  []byte
}

// headerBytes are the size and the id of a packet.
const headerBytes = 4

// between reports whether the stream is between two packets.
func (f *framer) between() bool { return len(f.kept) == 0 && f.skip == 0 }

// feed takes the next bytes and calls each for every packet that is wanted and that they
// complete. One whose header comes in pieces counts as wanted.
func (f *framer) feed(b []byte, wanted func(id int) bool, each func(frame)) {
	for len(b) > 0 {
		if f.skip > 0 {
			n := min(f.skip, len(b))
			f.skip -= n
			b = b[n:]
			continue
		}
		if len(f.kept) > 0 {
			n := min(f.missing(), len(b))
			f.kept = append(f.kept, b[:n]...)
			b = b[n:]
			if f.missing() > 0 {
				continue
			}
			each(cut(f.kept))
			f.kept = f.kept[:0]
			continue
		}
		if len(b) < headerBytes {
			f.kept = append(f.kept, b...)
			return
		}
		size := int(binary.LittleEndian.Uint16(b))
		switch {
		case size < headerBytes: // no framing any more
			f.skip = 1 << 62
		case !wanted(int(binary.LittleEndian.Uint16(b[2:]))):
			f.skip = size
		case size > len(b):
			f.kept = append(f.kept, b...)
			return
		default:
			each(cut(b[:size]))
			b = b[size:]
		}
	}
}

// missing is how many bytes of the kept packet are still to come, as far as it shows.
func (f *framer) missing() int {
	if len(f.kept) < headerBytes {
		return headerBytes - len(f.kept)
	}
	return max(int(binary.LittleEndian.Uint16(f.kept)), headerBytes) - len(f.kept)
}

func cut(b []byte) frame {
	return frame{int(binary.LittleEndian.Uint16(b[2:])), len(b), b[headerBytes:]}
}
