package sqlite

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"os"

	"sarang/chat"
)

// Fields of a database file's header; https://www.sqlite.org/fileformat2.html, section
// 1.3. All numbers are big-endian.
const (
	headerBytes      = 100
	headerPageSize   = 16 // uint16; 1 means 65536
	headerChanges    = 24 // uint32, the change counter
	headerPages      = 28 // uint32, valid if the next two are the same
	headerPagesValid = 92 // uint32, the change counter when headerPages was written
)

// checkLength finds a database that was cut off, as by a copy that did not finish.
// SQLite notices what is missing when it needs it, and not at all if it is a part of
// the last page. A database with a write-ahead log may be shorter than it says: the
// rest is in the log.
func checkLength(file string) error {
	if fileBytes(file+"-wal") > 0 {
		return nil
	}
	f, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer f.Close()
	var head [headerBytes]byte
	if _, err := io.ReadFull(f, head[:]); err != nil {
		return nil // empty, or no database: SQLite says so
	}
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if want := bytesOf(head[:]); info.Size() < want {
		return chat.Errorf(chat.CodeInternal,
			"the database %s is damaged: it has %d bytes and should have %d: restore it from a backup", file, info.Size(), want)
	}
	return nil
}

// bytesOf is how long a file with this header has to be; 0 if it does not say.
func bytesOf(head []byte) int64 {
	number := func(at int) uint32 { return binary.BigEndian.Uint32(head[at:]) }
	if !bytes.HasPrefix(head, []byte("SQLite format 3\x00")) || number(headerChanges) != number(headerPagesValid) {
		return 0
	}
	size := int64(binary.BigEndian.Uint16(head[headerPageSize:]))
	if size == 1 {
		size = 65536
	}
	return size * int64(number(headerPages))
}
