package chat

import (
	"context"
	"crypto/sha256"
	"strconv"
	"strings"
	"unicode/utf8"
)

// FileID names a file for ever. 0 is none. It is random, so that it tells nothing of others.
type FileID uint64

// FileIDMax is the largest: the numbers of SQL are signed.
const FileIDMax FileID = 1<<63 - 2

// Bounds of a file's description.
const (
	FilesPerMessageMax = 10
	FileNameBytesMax   = 255
	FileTypeBytesMax   = 100
)

// FileInfo is what readers are told of a file.
type FileInfo struct {
	ID        FileID `json:"id,string"`
	Name      string `json:"name"` // as its author calls it: text for people, never a path
	Type      string `json:"type"` // of its content: type/subtype
	Bytes     int64  `json:"bytes"`
	Width     int    `json:"width,omitempty"` // of an image, in pixels, as it is to be shown; 0: not known
	Height    int    `json:"height,omitempty"`
	Thumbnail bool   `json:"thumbnail,omitempty"` // there is a smaller picture of it
}

// File is a file that was uploaded. Its bytes are kept by their hash, beside the store: two
// files with the same bytes share them.
type File struct {
	FileInfo
	Owner     UserID
	Hash      FileHash
	CreatedMs int64
}

// FileHash is the SHA-256 of the bytes that are kept.
type FileHash [sha256.Size]byte

// FileList is the files that a message names, in its author's order: text, so that events can
// be compared, and as stores keep it, behind the message's own. Empty: none.
type FileList string

// fileMark stands before each file of a list. It is a noncharacter of Unicode, and no text that
// CheckText lets through has it.
const fileMark = "\uFDD0"

// NewFileList returns the list of files, whose names and types CheckFileName and CheckFileType
// have let through.
func NewFileList(files ...FileInfo) FileList {
	var b strings.Builder
	for _, f := range files {
		thumbnail := uint64(0)
		if f.Thumbnail {
			thumbnail = 1
		}
		b.WriteString(fileMark)
		for _, n := range [...]uint64{uint64(f.ID), uint64(f.Bytes), uint64(f.Width), uint64(f.Height), thumbnail} {
			b.WriteString(strconv.FormatUint(n, 36))
			b.WriteByte(',')
		}
		b.WriteString(f.Type)
		b.WriteByte(',')
		b.WriteString(f.Name)
	}
	return FileList(b.String())
}

// All returns the files of the list; nil if it is none.
func (l FileList) All() []FileInfo {
	if l == "" {
		return nil
	}
	rest, found := strings.CutPrefix(string(l), fileMark)
	if !found {
		return nil
	}
	var files []FileInfo
	for one := range strings.SplitSeq(rest, fileMark) {
		f, ok := parseFile(one)
		if !ok || len(files) == FilesPerMessageMax {
			return nil
		}
		files = append(files, f)
	}
	return files
}

func parseFile(s string) (f FileInfo, ok bool) {
	var n [5]uint64
	for i := range n {
		word, rest, found := strings.Cut(s, ",")
		var err error
		if n[i], err = strconv.ParseUint(word, 36, 63); err != nil || !found {
			return f, false
		}
		s = rest
	}
	f = FileInfo{ID: FileID(n[0]), Bytes: int64(n[1]), Width: int(n[2] & 0xffffffff), Height: int(n[3] & 0xffffffff), Thumbnail: n[4] != 0}
	f.Type, f.Name, ok = strings.Cut(s, ",")
	return f, ok && f.ID != 0 && f.ID <= FileIDMax && n[4] < 2 && n[2]|n[3] < 1<<32 && CheckFileName(f.Name) == nil && CheckFileType(f.Type) == nil
}

// Find returns the file of the list with an id.
func (l FileList) Find(id FileID) (FileInfo, bool) {
	for _, f := range l.All() {
		if f.ID == id {
			return f, true
		}
	}
	return FileInfo{}, false
}

// Body is what e says: its text, with the files that it names behind it. Stores keep it in one
// column, so that what erases the text erases both.
func (e *Event) Body() string {
	if e.Files == "" {
		return e.Text
	}
	return e.Text + string(e.Files)
}

// BodyBytes is the length of Body.
func (e *Event) BodyBytes() int { return len(e.Text) + len(e.Files) }

// SetBody sets what Body has returned. e.Kind is known by then: only messages name files.
func (e *Event) SetBody(body string) {
	e.Text, e.Files = body, ""
	if e.Kind != EventMessage {
		return
	}
	if at := strings.Index(body, fileMark); at >= 0 {
		if l := FileList(body[at:]); l.All() != nil {
			e.Text, e.Files = body[:at], l
		}
	}
}

// EraseBody takes away what e has said.
func (e *Event) EraseBody() { e.Text, e.Files = "", "" }

// CheckFileName returns nil if s may be a file's name: valid UTF-8 without control characters.
// It may hold slashes and dots: nothing ever takes it for a path.
func CheckFileName(s string) error {
	switch {
	case s == "":
		return Errorf(CodeBadFile, "the file has no name")
	case len(s) > FileNameBytesMax:
		return Errorf(CodeBadFile, "the file's name is too long: %d bytes, at most %d are allowed", len(s), FileNameBytesMax)
	case !utf8.ValidString(s), strings.Contains(s, fileMark), strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r >= 0x7f && r < 0xa0 }):
		return Errorf(CodeBadFile, "the file's name has control characters, or is not valid UTF-8")
	}
	return nil
}

// CheckFileType returns nil if s may be the type of a file: type/subtype (RFC 6838, section 4.2)
// without parameters.
func CheckFileType(s string) error {
	major, minor, found := strings.Cut(s, "/")
	token := func(s string) bool {
		return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
			return (r < 'a' || r > 'z') && (r < '0' || r > '9') && !strings.ContainsRune("!#$&^_.+-", r)
		})
	}
	if !found || len(s) > FileTypeBytesMax || !token(major) || !token(minor) {
		return Errorf(CodeBadFile, "the file's type is not of the form type/subtype")
	}
	return nil
}

// FileQuota bounds what a user's files may be together; 0 is no bound.
type FileQuota struct {
	FilesMax int
	BytesMax int64
}

// FileUse is what a user's files are together.
type FileUse struct {
	Files int
	Bytes int64
}

// Allows returns CodeQuota if one more file of so many bytes is too much.
func (q FileQuota) Allows(have FileUse, bytes int64) error {
	switch {
	case q.FilesMax > 0 && have.Files >= q.FilesMax:
		return Errorf(CodeQuota, "you have %d files, and no more are taken: delete messages with files first", have.Files)
	case q.BytesMax > 0 && have.Bytes+bytes > q.BytesMax:
		return Errorf(CodeQuota, "your files would have %d bytes together, at most %d are allowed: delete messages with files first", have.Bytes+bytes, q.BytesMax)
	}
	return nil
}

// Files is a Store that keeps what is known of files. Which messages name a file follows from
// the logs: Commit links the files that a message names, if they are its author's and not being
// removed, in the transaction that stores the message; what erases the message unlinks them in
// the same way. A file whose last link is gone is an orphan from that moment on.
type Files interface {
	// AddFile keeps a file that nothing names yet. The same call again changes nothing. CodeQuota
	// if the owner's files would be too much, CodeNoUser if he is not there, CodeBadRequest if
	// the id is another file's.
	AddFile(ctx context.Context, f File, q FileQuota) error

	// File returns a file; CodeNoFile if there is none, or it is an orphan that has lost its last
	// link or was released, or is being removed.
	File(ctx context.Context, id FileID) (File, error)

	// FileUse returns what a user has. The work is bounded by his files.
	FileUse(ctx context.Context, user UserID) (FileUse, error)

	// AllFiles returns up to itemsMax files (at least 1) with ids above after, ordered by id,
	// without those of which File says that there are none.
	AllFiles(ctx context.Context, after FileID, itemsMax int) ([]File, error)

	// Orphans marks up to itemsMax files (at least 1) as being removed, and returns them: those
	// that have lost their last link, those that were added before beforeMs and never had one,
	// and those that were marked before and not dropped. From then on nothing can name them.
	Orphans(ctx context.Context, beforeMs int64, itemsMax int) ([]File, error)

	// HashUsed reports whether a file that is not being removed has bytes with the hash.
	HashUsed(ctx context.Context, hash FileHash) (bool, error)

	// DropFile forgets a file that is being removed. Others, and those that are not there, stay
	// as they are.
	DropFile(ctx context.Context, id FileID) error

	// ReleaseFile has a user's file that nothing names be an orphan. It is no error if it is not
	// there, or is named.
	ReleaseFile(ctx context.Context, user UserID, id FileID) error
}

// NoFile is the answer to an id that is no file of which one may know.
func NoFile() *Error { return Errorf(CodeNoFile, "there is no such file") }
