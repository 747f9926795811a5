package transfer

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"sarang/chat"
	"sarang/internal/store/storesim"
)

// fuzzImport imports a text twice: whatever it says, the second time changes nothing, and what is
// there can be exported and imported into an empty server.
func fuzzImport(t *testing.T, format, name string, text []byte) {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	s := storesim.NewDisk(nil).Open()
	r, err := importInto(s, Options{Format: format, SkipBad: true}, path)
	if chat.CodeOf(err) == chat.CodeInternal && !errors.Is(err, ErrLeftOut) && err != nil && !readError(err) {
		t.Fatalf("%v\n%+v", err, r)
	}
	if err != nil && !errors.Is(err, ErrLeftOut) {
		if there, _ := s.Users(t.Context(), 0, 1); len(there) > 0 {
			t.Fatalf("an import that was refused (%v) has written", err)
		}
		return
	}
	once := exported(t, s, 0)
	r, err = importInto(s, Options{Format: format, SkipBad: true}, path)
	if err != nil && !errors.Is(err, ErrLeftOut) {
		t.Fatalf("a second time: %v\n%+v", err, r)
	}
	if twice := exported(t, s, 0); twice != once {
		t.Fatalf("once\n%s\nand twice\n%s", once, twice)
	}
	other := storesim.NewDisk(nil).Open()
	if err := os.WriteFile(path, []byte(once), 0o600); err != nil {
		t.Fatal(err)
	}
	mustImport(t, other, Options{}, path)
	if again := exported(t, other, 0); again != once {
		t.Fatalf("exported\n%s\nand then\n%s", once, again)
	}
}

// readError reports whether an error is one of reading the file.
func readError(err error) bool {
	var path *os.PathError
	return errors.As(err, &path)
}

func FuzzSarang(f *testing.F) {
	f.Add([]byte(exported(f, sample(f).s, 0)))
	f.Add([]byte(exported(f, sample(f).s, 1)))
	f.Add([]byte(strings.Replace(exported(f, sample(f).s, 0), `"seq":3`, `"seq":18446744073709551615`, 1)))
	f.Fuzz(func(t *testing.T, text []byte) { fuzzImport(t, "sarang", "x.jsonl", text) })
}

func fuzzFile(f *testing.F, format, name string) {
	f.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) { fuzzImport(t, format, name, text) })
}

func FuzzIrssi(f *testing.F)   { fuzzFile(f, "irssi", "irssi-tea.log") }
func FuzzWeechat(f *testing.F) { fuzzFile(f, "weechat", "weechat-tea.weechatlog") }
func FuzzDiscord(f *testing.F) { fuzzFile(f, "discord", "discord-tea.json") }

// FuzzSlack has a day's messages, and the whole archive if they begin as one.
func FuzzSlack(f *testing.F) {
	f.Add(zipped(f, ".", nil))
	for _, path := range []string{"general/2021-01-02.json", "general/2021-01-03.json"} {
		text, err := os.ReadFile(filepath.Join("testdata", "slack", path))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if !bytes.HasPrefix(b, []byte("PK")) {
			b = zipped(t, ".", map[string]string{"general/2021-01-02.json": string(b)})
		}
		fuzzImport(t, "slack", "x.zip", b)
	})
}
