package transfer

import (
	"archive/zip"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"sarang/chat"
)

// Bounds of an archive. Nothing of it is ever written to a disk.
const (
	zipDirectoryMax = 64 << 20 // bytes that are read for the list of its files
	zipBytesMax     = 64 << 30 // of all files, unpacked
	zipRatio        = 200      // so many times the size of the archive; text is packed to a tenth or so
	zipRatioFrom    = 16 << 20 // bytes unpacked, below which the ratio is not looked at
)

// archive is a zip file that has been looked at.
type archive struct {
	files map[string]*zip.File // by their paths below the folder that users.json is in
	days  map[string][]string  // paths of a folder's files, in order
}

// boundedAt ends when more was read than it may give.
type boundedAt struct {
	io.ReaderAt
	left int64
}

func (b *boundedAt) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, chat.Errorf(chat.CodeMalformed, "the archive's list of files has more than %d bytes", zipDirectoryMax)
	}
	return b.ReaderAt.ReadAt(p, at)
}

// openZip reads an archive's list of files, and refuses one that is made to do harm.
func openZip(r io.ReaderAt, size int64) (*archive, error) {
	bounded := &boundedAt{r, zipDirectoryMax}
	z, err := zip.NewReader(bounded, size)
	if err != nil {
		return nil, &chat.Error{Code: chat.CodeMalformed, Message: "it is no zip archive, or is damaged", Err: err}
	}
	bounded.left = 1<<63 - 1
	total := uint64(0)
	root := ""
	for _, f := range z.File {
		name := strings.TrimSuffix(f.Name, "/")
		if !fs.ValidPath(name) || strings.ContainsAny(name, "\\\x00") || f.Mode().Type()&^fs.ModeDir != 0 {
			return nil, chat.Errorf(chat.CodeMalformed, "the archive has a file %q, which is no path within it", cut(f.Name))
		}
		if total += f.UncompressedSize64; f.UncompressedSize64 > zipBytesMax || total > zipBytesMax {
			return nil, chat.Errorf(chat.CodeMalformed, "the archive has more than %d bytes, unpacked", int64(zipBytesMax))
		}
		if path.Base(name) == "users.json" && (root == "" || len(name) < len(root)) {
			root = name
		}
	}
	if total > zipRatioFrom && total > zipRatio*uint64(size) {
		return nil, chat.Errorf(chat.CodeMalformed, "the archive has %d bytes, and unpacked %d: no text is packed so well", size, total)
	}
	a := &archive{files: map[string]*zip.File{}, days: map[string][]string{}}
	root = strings.TrimSuffix(root, "users.json")
	for _, f := range z.File {
		name, below := strings.CutPrefix(f.Name, root)
		if !below || strings.HasSuffix(name, "/") {
			continue
		}
		if a.files[name] != nil {
			return nil, chat.Errorf(chat.CodeMalformed, "the archive has two files %q", cut(f.Name))
		}
		a.files[name] = f
		if dir, file := path.Split(name); dir != "" && path.Ext(file) == ".json" {
			dir = strings.TrimSuffix(dir, "/")
			a.days[dir] = append(a.days[dir], name)
		}
	}
	for _, days := range a.days {
		slices.Sort(days)
	}
	return a, nil
}
