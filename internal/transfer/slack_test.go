package transfer

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

// zipped is an archive of files, and of testdata/slack if a folder is given before their paths.
func zipped(t interface{ Fatal(...any) }, folder string, files map[string]string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	add := func(name string, text []byte) {
		f, err := w.Create(name)
		if err == nil {
			_, err = f.Write(text)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if folder != "" {
		root := filepath.Join("testdata", "slack")
		err := filepath.WalkDir(root, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			name = filepath.ToSlash(name)
			if _, other := files[name]; other {
				return nil
			}
			text, err := os.ReadFile(path)
			add(strings.TrimPrefix(folder+"/"+name, "./"), text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range files {
		add(name, []byte(text))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSlack(t *testing.T) {
	for _, folder := range []string{".", "Tea house Slack export"} {
		s := storesim.NewDisk(nil).Open()
		file := fileOf(t, "slack.zip", string(zipped(t, folder, nil)))
		r := mustImport(t, s, Options{}, file)
		same(t, logOf(t, s, "general"), `
01 00:00:00.000 describe: For everybody
02 09:00:01.000 ann: Good morning [@room](user:all)! [@bob](user:2) [@carol.d](user:3) see the list (https://tea.example/a?b=1&c=2) or https://tea.example in #general 🍵 👋🏼 1 < 2 10:30:00
02 09:00:01.000 bob react >2: 👍
02 09:00:01.000 carol.d react >2: 👍
02 09:00:01.000 bob pin >2: `+`
02 09:00:03.000 bob >2: in the thread
02 09:00:04.000 Build_bot: build *7* failed
02 09:00:05.000 a.very.long.name.that.no.user.ma: a file⏎[plan.pdf] https://files.slack.example/plan.pdf
03 09:00:00.000 ann topic: Coffee
03 09:00:01.000 guest_nine >2: back to the thread
03 09:00:02.000 bob: * waves
03 09:00:03.000 bob: to nothing
03 09:00:03.000 bob topic: Tea & more
`)
		same(t, logOf(t, s, "council"), "01 00:00:02.000 bob role ann member: \n02 09:00:01.000 ann: between the two of us\n")
		same(t, logOf(t, s, "@1,2"), "02 09:00:01.000 bob: psst\n")
		same(t, logOf(t, s, "@1,2,3"), "02 09:00:01.000 carol.d: three of us\n")
		if r.Format != "slack" || r.RoomsMade != 5 || r.UsersMade != 6 || r.LeftOut["reactions that are no emojis here"] != 1 ||
			r.LeftOut["references to messages that are not in the file, or far before"] != 1 || r.LeftOut["messages of the program about joins, names and the like"] != 1 {
			t.Errorf("%+v", r)
		}
		council, err := s.RoomByKey(t.Context(), "council")
		if err != nil || !council.Private || council.Creator != 2 || council.CreatedMs != 1609459202000 {
			t.Errorf("%+v, %v", council, err)
		}
		mine, err := s.MyRooms(t.Context(), 1, 0, 10)
		if err != nil || len(mine) != 4 || mine[0].Unread != 0 || mine[0].Mark != 13 {
			t.Errorf("the rooms of ann: %+v, %v", mine, err)
		}
		if r := mustImport(t, s, Options{}, file); r.EventsThere != 17 || r.EventsWritten+r.UsersMade+r.RoomsMade != 0 {
			t.Errorf("a second time: %+v", r)
		}
		text := exported(t, s, 0)
		other := storesim.NewDisk(nil).Open()
		mustImport(t, other, Options{}, fileOf(t, "all.jsonl", text))
		if again := exported(t, other, 0); again != text {
			t.Errorf("exported\n%s\nand then\n%s", text, again)
		}
	}
}

// Archives that are made to do harm, or are damaged, are refused, and nothing is written.
func TestHostileZip(t *testing.T) {
	day := "general/2021-01-02.json"
	good := zipped(t, ".", nil)
	damaged := bytes.Clone(good)
	for i := len(damaged) / 4; i < len(damaged)/3; i++ {
		damaged[i] ^= 0x55
	}
	lying := bytes.Clone(zipped(t, ".", map[string]string{day: "[" + strings.Repeat(" ", 1000) + "]"}))
	at := bytes.Index(lying, []byte("PK\x01\x02"))
	for at >= 0 { // sizes in the list of files that are not those of the files
		binary.LittleEndian.PutUint32(lying[at+24:], 7)
		next := bytes.Index(lying[at+4:], []byte("PK\x01\x02"))
		if next < 0 {
			break
		}
		at += 4 + next
	}
	huge := bytes.Clone(good)
	binary.LittleEndian.PutUint32(huge[bytes.Index(huge, []byte("PK\x01\x02"))+24:], 0xfffffff0)
	for what, b := range map[string][]byte{
		"a way out":            zipped(t, ".", map[string]string{"../../etc/cron.d/x.json": "[]"}),
		"a way from the root":  zipped(t, ".", map[string]string{"/etc/x.json": "[]"}),
		"a way of Windows":     zipped(t, ".", map[string]string{`..\x.json`: "[]"}),
		"a bomb":               zipped(t, ".", map[string]string{day: "[" + strings.Repeat(" ", 40<<20) + "]"}),
		"a bomb that is told":  huge,
		"sizes that are wrong": lying,
		"damage":               damaged,
		"the end is missing":   good[:len(good)/2],
		"no export":            zipped(t, "", map[string]string{"a.txt": "hello"}),
		"no channels":          zipped(t, "", map[string]string{"users.json": "[]"}),
		"no array":             zipped(t, ".", map[string]string{day: `{"ok":false}`}),
		"no JSON":              zipped(t, ".", map[string]string{day: `[{"type":"message"`}),
		"a huge message":       zipped(t, ".", map[string]string{day: `[{"type":"message","text":"` + strings.Repeat("abcdefgh ", valueBytesMax/4) + `"}]`}),
		"another type":         zipped(t, ".", map[string]string{day: `[{"type":"message","text":7,"ts":"1609578001.000200","user":"U01"}]`}),
		"no time":              zipped(t, ".", map[string]string{day: `[{"type":"message","text":"x","ts":"soon","user":"U01"}]`}),
		"no user":              zipped(t, ".", map[string]string{day: `[{"type":"message","text":"x","ts":"1609578001.000200"}]`}),
	} {
		s := storesim.NewDisk(nil).Open()
		r, err := importInto(s, Options{Format: "slack"}, fileOf(t, "x.zip", string(b)))
		if err == nil || errors.Is(err, ErrLeftOut) {
			t.Errorf("%s: %v\n%+v", what, err, r)
		}
		if errors.Is(err, ErrNotWritten) && len(r.Told) == 0 {
			t.Errorf("%s: nothing is said", what)
		}
		if users, _ := s.Users(t.Context(), 0, 1); len(users) > 0 {
			t.Errorf("%s: something was written", what)
		}
	}
}

func TestShortcodes(t *testing.T) {
	for name, want := range map[string]string{"+1": "👍", "heart": "❤️", "wave::skin-tone-3": "👋🏼", "v::skin-tone-6": "✌🏿", "nothing": "", "": ""} {
		if got := shortcode(name); got != want {
			t.Errorf("%q is %q, want %q", name, got, want)
		}
	}
	f := foreign{im: newImporter(t.Context(), nil, &Options{})}
	for name, e := range shortcodes {
		if f.im.room = (&importedRoom{}); f.react(&reactions{}, person{}, 1, 1, e) != nil || f.im.r.LeftOut != nil {
			t.Errorf("%s is %q, which is no emoji", name, e)
		}
	}
	if _, _, found := (&links{}).find(1); found {
		t.Error("a message is there that is not")
	}
}

// What is far before is forgotten, so that memory is bounded, and the newest are known.
func TestLinks(t *testing.T) {
	var l links
	for i := range uint64(2*linksMax + 10) {
		l.add(link{i * 2, chat.Seq(i), 0})
	}
	l.add(link{1 + 2*linksMax*2 - 100, 7, 0}) // out of order
	for id, want := range map[uint64]bool{0: false, 2 * 2 * linksMax: true, 1 + 2*linksMax*2 - 100: true, 3: false} {
		if _, _, found := l.find(id); found != want {
			t.Errorf("message %d is known: %v, want %v", id, found, want)
		}
	}
	if len(l.all) > 2*linksMax {
		t.Errorf("%d are kept", len(l.all))
	}
}
