package transfer

import (
	"io"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"sarang/chat"
)

// Logs of IRC clients. Times are those of a clock on a wall, without a zone, and in irssi of a
// minute; who speaks is known by the name that he has at that moment.

// ircReader reads the log of one channel.
type ircReader struct {
	foreign
	lines *lineReader
	path  string
	day   time.Time       // irssi: of the lines that follow
	spoke map[string]bool // in this log: comparison forms of nicks
	began bool
}

// ircSaid is what a line of a log says.
type ircSaid struct {
	at    time.Time
	nick  string
	text  string
	topic bool
}

func readIRC(im *importer, r io.Reader, path string, parse func(*ircReader, string) (*ircSaid, error)) error {
	i := &ircReader{foreign: foreign{im: im, format: "irc"}, lines: newLineReader(r), path: path, spoke: map[string]bool{}}
	for {
		text, err := i.lines.next()
		if err == io.EOF {
			return im.endRoom()
		}
		var s *ircSaid
		if err == nil {
			s, err = parse(i, i.utf8(text))
		}
		if err == nil && s != nil {
			err = i.say(s)
		}
		if err := im.faulty("line "+strconv.Itoa(i.lines.number), err); err != nil {
			return err
		}
	}
}

// utf8 is a line as UTF-8: what is none is taken for Latin-1.
func (i *ircReader) utf8(line []byte) string {
	if utf8.Valid(line) {
		return string(line)
	}
	i.im.r.changed("lines that are not UTF-8, and were read as Latin-1")
	var b strings.Builder
	for _, c := range line {
		b.WriteRune(rune(c))
	}
	return b.String()
}

// other counts a line that no room here has a place for.
func (i *ircReader) other() (*ircSaid, error) {
	i.im.r.leftOut("lines about joins, leaves, modes and the like")
	return nil, nil
}

func (i *ircReader) say(s *ircSaid) error {
	if len(s.nick) > formerNameBytes {
		return wrong("a nick has more than %d bytes", formerNameBytes)
	}
	by, err := i.user("irc", author{id: strings.ToLower(s.nick), name: s.nick, as: []string{s.nick}})
	if err != nil {
		return err
	}
	if !i.began {
		i.began = true
		name := ircRoom(i.path)
		if err := i.begin(name, name, chat.Room{CreatedMs: i.im.o.nowMs()}); err != nil {
			return err
		}
	}
	text := i.clean(plainIRC(s.text))
	ms := s.at.UnixMilli()
	if s.topic {
		return i.topic(chat.EventTopic, by, ms, text)
	}
	i.spoke[strings.ToLower(s.nick)] = true
	if text, err = i.addressed(text); err != nil {
		return err
	}
	_, err = i.foreign.say(said{by: by, timeMs: ms, text: text})
	return err
}

func (i *ircReader) user(format string, a author) (person, error) { return i.im.user(format, a) }

// addressed makes "nick: text" mention who has spoken in this log before.
func (i *ircReader) addressed(text string) (string, error) {
	at := strings.IndexAny(text, ":, ")
	if at < 1 || at+1 >= len(text) || text[at] == ' ' || text[at+1] != ' ' || !i.spoke[strings.ToLower(text[:at])] {
		return text, nil
	}
	nick := text[:at]
	p, err := i.user("irc", author{id: strings.ToLower(nick), name: nick, as: []string{nick}})
	return chat.MentionText(p.id, p.name) + text[at:], err
}

// ircRoom is the channel that a log is of, by its file's name: #tea.log, irc.libera.#tea.weechatlog.
func ircRoom(path string) string {
	name := filepath.Base(path)
	if at := strings.LastIndexByte(name, '#'); at >= 0 {
		name = name[at+1:]
	}
	for _, end := range []string{".log", ".weechatlog", ".txt"} {
		name = strings.TrimSuffix(name, end)
	}
	return name
}

var ircCodes = regexp.MustCompile("\x03(\\d{1,2}(,\\d{1,2})?)?|\x04([0-9a-fA-F]{6})?|[\x02\x0f\x11\x12\x16\x1d\x1e\x1f]")

// plainIRC is a text without colours.
func plainIRC(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' }) {
		return s
	}
	return ircCodes.ReplaceAllString(s, "")
}

// ircModes are the signs before a nick that tell what he is in the channel.
const ircModes = "@+%&~! "

// Lines of irssi.
var (
	irssiTime   = regexp.MustCompile(`^(\d\d):(\d\d)(?::(\d\d))? (.*)$`)
	irssiSaid   = regexp.MustCompile(`^<([` + ircModes + `]?)([^\s<>]+)> ?(.*)$`)
	irssiAction = regexp.MustCompile(`^ \* ([^\s]+) (.*)$`)
	irssiNotice = regexp.MustCompile(`^-([^\s!:-][^\s:]*)(?::[^\s]*)?- (.*)$`)
	irssiTopic  = regexp.MustCompile(`^-!- ([^\s]+) changed the topic of [^\s]+ to: (.*)$`)
)

// parseIrssi reads a line of a log of irssi.
func parseIrssi(i *ircReader, line string) (*ircSaid, error) {
	if text, is := strings.CutPrefix(line, "--- "); is {
		for _, form := range []struct{ begins, layout string }{
			{"Log opened ", "Mon Jan 02 15:04:05 2006"}, {"Day changed ", "Mon Jan 02 2006"},
		} {
			if date, is := strings.CutPrefix(text, form.begins); is {
				day, err := time.ParseInLocation(form.layout, strings.TrimSpace(date), i.im.o.Zone)
				if err != nil {
					return nil, wrong("there is no date like %q", cut(date))
				}
				i.day = time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, i.im.o.Zone)
				return nil, nil
			}
		}
		if strings.HasPrefix(text, "Log closed ") {
			return nil, nil
		}
	}
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	m := irssiTime.FindStringSubmatch(line)
	if m == nil {
		return nil, wrong("it does not begin with a time")
	}
	if i.day.IsZero() {
		return nil, wrong("no line before says which day it is")
	}
	hour, _ := strconv.Atoi(m[1])
	minute, _ := strconv.Atoi(m[2])
	second, _ := strconv.Atoi(m[3])
	if hour > 23 || minute > 59 || second > 60 {
		return nil, wrong("there is no time like %q", line[:len(line)-len(m[4])-1])
	}
	s := &ircSaid{at: time.Date(i.day.Year(), i.day.Month(), i.day.Day(), hour, minute, second, 0, i.im.o.Zone)}
	rest := m[4]
	if m := irssiSaid.FindStringSubmatch(rest); m != nil {
		s.nick, s.text = m[2], m[3]
		return s, nil
	}
	if m := irssiAction.FindStringSubmatch(rest); m != nil {
		s.nick, s.text = m[1], "* "+m[1]+" "+m[2]
		return s, nil
	}
	if m := irssiTopic.FindStringSubmatch(rest); m != nil {
		s.nick, s.text, s.topic = m[1], m[2], true
		return s, nil
	}
	if m := irssiNotice.FindStringSubmatch(rest); m != nil && !strings.HasPrefix(rest, "-!-") {
		s.nick, s.text = m[1], m[2]
		return s, nil
	}
	return i.other()
}

// Lines of WeeChat: a time, a prefix and a text, with tabs between.
var (
	weechatTopic  = regexp.MustCompile(`^([^\s]+) has changed topic for [^\s]+ (?:from ".*" )?to "(.*)"$`)
	weechatNotice = regexp.MustCompile(`^Notice\(([^\s)]+)\)(?: -> [^\s]+)?: (.*)$`)
)

// parseWeechat reads a line of a log of WeeChat.
func parseWeechat(i *ircReader, line string) (*ircSaid, error) {
	if strings.TrimSpace(line) == "" {
		return nil, nil
	}
	parts := strings.SplitN(line, "\t", 3)
	if len(parts) != 3 {
		return nil, wrong("it has not three parts with tabs between")
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", parts[0], i.im.o.Zone)
	if err != nil {
		return nil, wrong("there is no time like %q", cut(parts[0]))
	}
	s := &ircSaid{at: at, text: parts[2]}
	switch prefix := strings.TrimSpace(parts[1]); prefix {
	case "*":
		nick, text, _ := strings.Cut(parts[2], " ")
		s.nick, s.text = nick, "* "+nick+" "+text
	case "--":
		if m := weechatTopic.FindStringSubmatch(plainIRC(parts[2])); m != nil {
			s.nick, s.text, s.topic = m[1], m[2], true
		} else if m := weechatNotice.FindStringSubmatch(plainIRC(parts[2])); m != nil {
			s.nick, s.text = m[1], m[2]
		} else {
			return i.other()
		}
	case "-->", "<--", "=!=", "":
		return i.other()
	default:
		s.nick = strings.TrimLeft(prefix, ircModes)
	}
	if s.nick == "" || strings.ContainsAny(s.nick, " \t") {
		return i.other()
	}
	return s, nil
}
