package transfer

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"sarang/chat"
)

// format is a kind of file that can be read.
type format struct {
	name string
	what string // for people
	read func(im *importer, f *source) error
}

// formats are all that there are.
func formats() []format {
	return []format{
		{"sarang", "lines of JSON, from 'sarang export'", func(im *importer, f *source) error { return readSarang(im, f) }},
		{"slack", "an export of Slack, a zip archive", readSlack},
		{"discord", "a channel of Discord, as DiscordChatExporter has it in JSON", readDiscord},
		{"irssi", "a log of irssi, of one channel", func(im *importer, f *source) error { return readIRC(im, f, f.path, parseIrssi) }},
		{"weechat", "a log of WeeChat, of one channel", func(im *importer, f *source) error { return readIRC(im, f, f.path, parseWeechat) }},
	}
}

// Formats are the names of the formats that can be imported, and what each is.
func Formats() (names, what []string) {
	for _, f := range formats() {
		names, what = append(names, f.name), append(what, f.what)
	}
	return names, what
}

// source is a file that is imported.
type source struct {
	*os.File
	path string
	size int64

	ctx      context.Context
	progress func(done uint64)
	read     uint64
}

// Read counts what was read, and ends with the context.
func (f *source) Read(p []byte) (int, error) {
	if err := f.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := f.File.Read(p)
	f.advance(uint64(n))
	return n, err
}

func (f *source) advance(n uint64) {
	f.read += n
	f.progress(f.read)
}

func openSource(ctx context.Context, path string, progress func(done, total uint64)) (*source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file: an import reads its file twice", path)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	total := uint64(info.Size())
	return &source{File: f, path: path, size: info.Size(), ctx: ctx, progress: func(done uint64) { progress(min(done, total), total) }}, nil
}

// ErrNotWritten is that a file has faults, and nothing of it was imported.
var ErrNotWritten = errors.New("nothing was written")

// ErrLeftOut is that not all of a file was imported, and the report says what was not.
var ErrLeftOut = errors.New("not all of it is there")

// Import brings files into a store or a server, one after the other. All of them are read and
// checked first: ErrNotWritten if there is something wrong with one, unless o.SkipBad. ErrLeftOut if
// something was left out then. The report says what was done in any case, also with another error: what
// was written by then is there, and the same import goes on behind it.
func Import(ctx context.Context, t Target, files []string, o Options) (*Report, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Progress == nil {
		o.Progress = func(string, uint64, uint64) {}
	}
	if o.TextBytesMax == 0 {
		o.TextBytesMax = textBytesDefault
	}
	if o.TextBytesMax < textBytesLeast || o.TextBytesMax > textBytesMost {
		return &Report{}, chat.Errorf(chat.CodeBadRequest, "messages have %d to %d bytes at most", textBytesLeast, textBytesMost)
	}
	r, err := importAll(ctx, newDry(t), files, &o, "checked")
	r.DryRun = true
	switch {
	case err != nil:
		return r, err
	case !r.Whole() && !o.SkipBad:
		return r, ErrNotWritten
	case !o.DryRun:
		if r, err = importAll(ctx, t, files, &o, "imported"); err != nil {
			return r, err
		}
	}
	if !r.Whole() {
		return r, ErrLeftOut
	}
	return r, nil
}

// textBytesLeast is what a part of a message has at least.
const textBytesLeast = 200

func importAll(ctx context.Context, t Target, files []string, o *Options, what string) (*Report, error) {
	im := newImporter(ctx, t, o)
	for _, path := range files {
		im.file = filepath.Base(path)
		if err := im.one(path, what); err != nil {
			return im.r, fmt.Errorf("%s: %w", path, err)
		}
	}
	return im.r, nil
}

func (im *importer) one(path, what string) (err error) {
	f, err := openSource(im.ctx, path, func(done, total uint64) { im.o.Progress(what, done, total) })
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	name := im.o.Format
	if name == "" {
		if name, err = detect(f); err != nil {
			return err
		}
	}
	for _, known := range formats() {
		if known.name == name {
			im.r.Format = name
			return known.read(im, f)
		}
	}
	return chat.Errorf(chat.CodeBadRequest, "there is no format %q", name)
}

// detect tells the format of a file by its beginning.
func detect(f *source) (string, error) {
	b := make([]byte, 4<<10)
	n, err := io.ReadFull(f.File, b)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return "", err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return "", err
	}
	if name := formatOf(b[:n]); name != "" {
		return name, nil
	}
	return "", chat.Errorf(chat.CodeBadRequest, "it is not to be seen of what format the file is: give --format")
}

var weechatLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\t[^\t]*\t`)

func formatOf(b []byte) string {
	if bytes.HasPrefix(b, []byte(`{"type":"`+typeHeader+`"`)) {
		return "sarang"
	}
	if bytes.HasPrefix(b, []byte("PK\x03\x04")) {
		return "slack"
	}
	if bytes.HasPrefix(bytes.TrimPrefix(bytes.TrimSpace(b), []byte("\xef\xbb\xbf")), []byte("{")) && bytes.Contains(b, []byte(`"channel"`)) {
		return "discord"
	}
	for line := range bytes.SplitSeq(b, []byte("\n")) {
		switch {
		case bytes.HasPrefix(line, []byte("--- Log opened ")), bytes.HasPrefix(line, []byte("--- Day changed ")):
			return "irssi"
		case weechatLine.Match(line):
			return "weechat"
		}
	}
	return ""
}

// lineReader reads lines of bounded length.
type lineReader struct {
	r      *bufio.Reader
	line   []byte
	number int // of the line that was read
}

func newLineReader(r io.Reader) *lineReader { return &lineReader{r: bufio.NewReaderSize(r, 64<<10)} }

// next returns the next line without its end, which is overwritten by the one after. io.EOF behind
// the last; an *errLine for one that is too long.
func (l *lineReader) next() ([]byte, error) {
	l.line = l.line[:0]
	long := false
	for {
		part, err := l.r.ReadSlice('\n')
		if len(l.line)+len(part) > lineBytesMax {
			long, l.line = true, l.line[:0]
		}
		if !long {
			l.line = append(l.line, part...)
		}
		if err == bufio.ErrBufferFull {
			continue
		}
		if err == io.EOF && len(l.line) == 0 && !long {
			return nil, io.EOF
		}
		l.number++
		switch {
		case err != nil && err != io.EOF:
			return nil, err
		case long:
			return nil, wrong("the line has more than %d bytes", lineBytesMax)
		}
		return bytes.TrimRight(l.line, "\r\n"), nil
	}
}
