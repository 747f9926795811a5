package apart_test

import (
	"bytes"
	"log/slog"
	"os"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"sarang/internal/password"
	"sarang/internal/password/apart"
)

// The test's own program is the process that computes, or one that fails.
func TestMain(m *testing.M) {
	switch mode := os.Args[len(os.Args)-1]; mode {
	case "serve":
		if apart.Serve(os.Stdin, os.Stdout, true) != nil { // a test must not wait for a busy machine
			os.Exit(1)
		}
		os.Exit(0)
	case "sleep":
		time.Sleep(time.Hour) // sleep: until it is killed
	case apart.Hurry:
		if os.Args[1] != "sleep" || apart.Serve(os.Stdin, os.Stdout, true) != nil {
			os.Exit(1)
		}
		os.Exit(0)
	case "fail":
		os.Exit(1)
	}
	goleak.VerifyTestMain(m)
}

func cost() password.Cost { return password.Cost{MemoryKiB: 64, Passes: 1} }

func hasher(t *testing.T, said *bytes.Buffer, mode ...string) *apart.Hasher {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	h := apart.New(slog.New(slog.NewTextHandler(said, nil)), append([]string{path}, mode...)...)
	t.Cleanup(h.Close)
	return h
}

func TestSameAsOwn(t *testing.T) {
	var said bytes.Buffer
	h := hasher(t, &said, "serve")
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for k := range 5 {
				secret, salt := bytes.Repeat([]byte{byte('a' + i)}, 1+k*100), []byte("0123456789abcdef")[:8+k]
				got, want := h.Key(secret, salt, cost(), 1, 16+k), password.Own(secret, salt, cost(), 1, 16+k)
				if !bytes.Equal(got, want) {
					t.Errorf("%d, %d: %x, want %x", i, k, got, want)
				}
			}
		})
	}
	all.Wait()
	hash := password.Hash(h.Key, "correct horse", cost(), []byte("0123456789abcdef"))
	if is, current := password.Is(password.Own, "correct horse", hash, cost()); !is || !current {
		t.Error("a hash that was made apart is none")
	}
	if said.Len() > 0 {
		t.Errorf("the log says %s", said.String())
	}
}

// Where there is no process, and where it dies, passwords are hashed all the same; it is said once.
func TestWithoutAProcess(t *testing.T) {
	for name, mode := range map[string][]string{"fails": {"fail"}, "is not there": nil} {
		t.Run(name, func(t *testing.T) {
			var said bytes.Buffer
			h := hasher(t, &said, mode...)
			if mode == nil {
				h = apart.New(slog.New(slog.NewTextHandler(&said, nil)), t.TempDir()+"/nothing")
				t.Cleanup(h.Close)
			}
			want := password.Own([]byte("x"), []byte("12345678"), cost(), 1, 32)
			for range 3 {
				if got := h.Key([]byte("x"), []byte("12345678"), cost(), 1, 32); !bytes.Equal(got, want) {
					t.Fatalf("%x, want %x", got, want)
				}
			}
			if n := bytes.Count(said.Bytes(), []byte("level=WARN")); n != 1 {
				t.Errorf("it was said %d times:\n%s", n, said.String())
			}
		})
	}
}

// A process that gets no time is given up for one that has its share.
func TestHurry(t *testing.T) {
	var said bytes.Buffer
	h := hasher(t, &said, "sleep")
	want := password.Own([]byte("x"), []byte("12345678"), cost(), 1, 32)
	for range 2 { // the second finds the process that is in a hurry
		if got := h.Key([]byte("x"), []byte("12345678"), cost(), 1, 32); !bytes.Equal(got, want) {
			t.Fatalf("%x, want %x", got, want)
		}
	}
	if said.Len() > 0 {
		t.Errorf("the log says %s", said.String())
	}
}

// What is no question ends the process, and does not have it take memory.
func TestNoQuestions(t *testing.T) {
	good := []byte{1, 0, 0, 0, 8, 0, 0, 0, 1, 0, 0, 0, 1, 4, 0, 'x'}
	var out bytes.Buffer
	if err := apart.Serve(bytes.NewReader(good), &out, true); err != nil || out.Len() != 4 {
		t.Fatalf("%v, %d bytes", err, out.Len())
	}
	for at, bad := range map[int]byte{2: 1, 7: 255, 8: 0, 9: 255, 12: 0, 14: 2} {
		b := bytes.Clone(good)
		b[at] = bad
		if err := apart.Serve(bytes.NewReader(b), &out, true); err == nil {
			t.Errorf("with byte %d as %d it is taken", at, bad)
		}
	}
	if err := apart.Serve(bytes.NewReader(good[:20-5]), &out, true); err == nil {
		t.Error("half a question is taken")
	}
}
