package tui

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
	"unicode"

	"sarang/chat"
	"sarang/client"
)

// fileTimeout is how long a file may take to come or to go.
const fileTimeout = time.Hour

// SendFile has a file uploaded, and named by a message.
type SendFile struct {
	Room chat.RoomID
	Path string
	Text string // may be empty
}

// SaveFiles has the files of a message saved.
type SaveFiles struct {
	Room  chat.RoomID
	Seq   chat.Seq
	Files chat.FileList
	To    string // a folder; empty: the one that the program was started in
}

// fileArguments reads those of /send and /save. A path with spaces stands in quotes.
func (c *Command) fileArguments(words []string) error {
	rest := strings.Join(words, " ")
	if c.Verb == VerbSave && strings.HasPrefix(rest, "^") {
		number, behind, _ := strings.Cut(rest[1:], " ")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 {
			return errors.New("^1 is the newest message, ^2 the one before it")
		}
		c.Number, rest = n, behind
	}
	if quoted, is := strings.CutPrefix(rest, `"`); is {
		path, behind, closed := strings.Cut(quoted, `"`)
		if !closed {
			return errors.New(`a " is missing`)
		}
		c.Path, c.Text = path, strings.TrimSpace(behind)
	} else {
		c.Path, c.Text, _ = strings.Cut(rest, " ")
	}
	switch {
	case c.Verb == VerbSend && c.Path == "":
		return errors.New("which file?")
	case c.Verb == VerbSave && c.Text != "":
		return fmt.Errorf("%q is not understood", CleanLine(c.Text))
	}
	return nil
}

// file is the effect of a command about files.
func (m *Model) file(c Command) []Effect {
	if len(m.rooms) == 0 {
		m.hint = "you are in no room; /rooms lists them, /join #room goes into one"
		return nil
	}
	r := m.room()
	if c.Verb == VerbSend {
		m.say(entryNotice, "sending "+CleanLine(filepath.Base(c.Path)))
		return []Effect{SendFile{r.info.ID, c.Path, c.Text}}
	}
	n := c.Number
	for i := len(r.entries) - 1; i >= 0; i-- {
		e := r.entries[i]
		if e.kind != entryMessage || e.seq == 0 || e.epoch != r.info.Epoch {
			continue
		}
		n--
		said, known := r.view.Message(e.seq)
		switch has := known && said.Files != ""; {
		case has && n <= 0:
			return []Effect{SaveFiles{r.info.ID, e.seq, said.Files, c.Path}}
		case n == 0:
			m.hint = "that message has no files"
			return nil
		}
	}
	m.hint = "there is no such message"
	return nil
}

// performFile does what an effect about files asks for; false: it is another one.
func performFile(ctx context.Context, c Conn, effect Effect) (any, bool) {
	ctx, cancel := context.WithTimeout(ctx, fileTimeout)
	defer cancel()
	switch e := effect.(type) {
	case SendFile:
		return e.perform(ctx, c), true
	case SaveFiles:
		return e.perform(ctx, c), true
	}
	return nil, false
}

func (e SendFile) perform(ctx context.Context, c Conn) any {
	name := filepath.Base(e.Path)
	failed := func(err error) any { return Failed{CleanLine(name), plainly(err)} }
	f, err := os.Open(e.Path)
	if err != nil {
		return failed(withoutPath(err))
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return failed(withoutPath(err))
	case !info.Mode().IsRegular():
		return failed(errors.New("it is no file"))
	}
	file, err := c.Upload(ctx, client.NewFile{Name: name, Content: f, Bytes: info.Size()})
	if err == nil {
		_, err = c.Reply(ctx, e.Room, client.Reply{Text: e.Text, Files: []chat.FileID{file.ID}})
	}
	if err != nil {
		return failed(err)
	}
	return Batch{}
}

// withoutPath is the reason of an error about a path that the user has just written.
func withoutPath(err error) error {
	var of *fs.PathError
	if errors.As(err, &of) {
		return of.Err
	}
	return err
}

func (e SaveFiles) perform(ctx context.Context, c Conn) any {
	var saved []string
	for _, f := range e.Files.All() {
		path, err := e.save(ctx, c, f)
		if err != nil {
			return Failed{CleanLine(f.Name), plainly(withoutPath(err))}
		}
		saved = append(saved, CleanLine(path))
	}
	return Notice{Text: "saved " + strings.Join(saved, ", ")}
}

// save saves one file under a name that nothing has yet.
func (e SaveFiles) save(ctx context.Context, c Conn, f chat.FileInfo) (path string, err error) {
	const triesMax = 100
	name := SafeName(f.Name)
	extension := filepath.Ext(name)
	for n := 1; ; n++ {
		path = filepath.Join(e.To, name)
		if n > 1 {
			path = filepath.Join(e.To, fmt.Sprintf("%s (%d)%s", strings.TrimSuffix(name, extension), n, extension))
		}
		to, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if errors.Is(err, fs.ErrExist) && n < triesMax {
			continue
		}
		if err != nil {
			return path, err
		}
		_, err = c.Download(ctx, client.NamedFile{Room: e.Room, Seq: e.Seq, File: f.ID}, to)
		if err = errors.Join(err, to.Close()); err != nil {
			_ = os.Remove(path) // a part is no file
		}
		return path, err
	}
}

// nameRunesMax bounds SafeName.
const nameRunesMax = 100

// SafeName is a name for a file on this machine that somebody else has thought of: it is no path,
// hides nothing, and is no name that a system has a meaning for.
func SafeName(s string) string {
	if at := strings.LastIndexAny(s, `/\`); at >= 0 {
		s = s[at+1:]
	}
	s = strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || strings.ContainsRune(`<>:"|?*`, r) {
			return '_'
		}
		return r
	}, s)
	s = strings.Trim(s, ". ")
	if runes := []rune(s); len(runes) > nameRunesMax {
		s = string(runes[len(runes)-nameRunesMax:]) // what it is stands at the end
		s = strings.Trim(s, ". ")
	}
	stem, _, _ := strings.Cut(strings.ToUpper(s), ".")
	device := len(stem) == 4 && (strings.HasPrefix(stem, "COM") || strings.HasPrefix(stem, "LPT"))
	if s == "" || device || stem == "CON" || stem == "PRN" || stem == "AUX" || stem == "NUL" {
		s = "file " + s
	}
	return strings.Trim(s, " ")
}

// withFiles is a message's text with the files that it names.
func withFiles(text string, files chat.FileList) string {
	for _, f := range files.All() {
		if text != "" {
			text += " "
		}
		text += "[" + CleanLine(f.Name) + ", " + bytesText(f.Bytes)
		if f.Width > 0 {
			text += fmt.Sprintf(", %d×%d", f.Width, f.Height)
		}
		text += "]"
	}
	return text
}

func bytesText(n int64) string {
	switch {
	case n < 1000:
		return strconv.FormatInt(n, 10) + " B"
	case n < 1000*1000:
		return strconv.FormatInt((n+999)/1000, 10) + " kB"
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
