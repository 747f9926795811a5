package page

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

// firstLoadBytesMax is what a first visit may cost, compressed: document, script, style.
const firstLoadBytesMax = 100_000

func get(t *testing.T, h http.Handler, path string, header ...string) *http.Response {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, path, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) []byte {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

var ownFile = regexp.MustCompile(`(?:src|href)="(/[^"]+)"`)

// Everything that the document names is there, by the name that its content gives it, and all
// of it together is small.
func TestFirstLoad(t *testing.T) {
	h, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	document := body(t, get(t, h, "/"))
	names := ownFile.FindAllSubmatch(document, -1)
	if len(names) < 3 {
		t.Fatalf("the document names only %d files: %s", len(names), document)
	}
	total := 0
	for _, path := range append([]string{"/"}, sub(names)...) {
		r := get(t, h, path, "Accept-Encoding", "gzip")
		if r.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, r.Status)
		}
		n := len(body(t, r))
		t.Logf("%s: %d bytes", path, n)
		total += n
	}
	if total > firstLoadBytesMax {
		t.Errorf("a first visit costs %d bytes with gzip, more than %d", total, firstLoadBytesMax)
	}
}

func sub(matches [][][]byte) (all []string) {
	for _, m := range matches {
		all = append(all, string(m[1]))
	}
	return all
}

// The policy allows no script or style within a document, so there must be none.
func TestDocumentHasNothingInline(t *testing.T) {
	document, err := fs.ReadFile(embedded, "files/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"<style", " style=", "javascript:", " onload=", " onclick="} {
		if bytes.Contains(document, []byte(bad)) {
			t.Errorf("the document has %q", bad)
		}
	}
	for _, s := range regexp.MustCompile(`<script[^>]*>`).FindAll(document, -1) {
		if !bytes.Contains(s, []byte(" src=")) {
			t.Errorf("the document has a script of its own: %s", s)
		}
	}
	for _, unsafe := range []string{"unsafe-inline", "unsafe-eval", "*", "http:", "data:"} {
		if strings.Contains(Policy, unsafe) {
			t.Errorf("the policy has %q", unsafe)
		}
	}
}

// The forms of a file are the same file.
func TestFormsAreTheSame(t *testing.T) {
	entries, err := fs.ReadDir(embedded, "files")
	if err != nil {
		t.Fatal(err)
	}
	compressed := 0
	for _, e := range entries {
		name, ok := strings.CutSuffix(e.Name(), ".gz")
		if !ok {
			continue
		}
		compressed++
		plain, err := fs.ReadFile(embedded, "files/"+name)
		if err != nil {
			t.Fatal(err)
		}
		packed, err := embedded.Open("files/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		r, err := gzip.NewReader(packed)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("%s is not %s (%v): run make web-build", e.Name(), name, err)
		}
	}
	if compressed < 2 {
		t.Errorf("only %d files are compressed", compressed)
	}
}

func testFiles() fstest.MapFS {
	return fstest.MapFS{
		"files/index.html": {Data: []byte("<p>plain</p>")},
		"files/app.js":     {Data: []byte("plain script")},
		"files/app.js.gz":  {Data: []byte("gzipped")},
		"files/app.js.br":  {Data: []byte("br")},
		"files/sw.js":      {Data: []byte("worker")},
		"files/icon.svg":   {Data: []byte("<svg/>")},
	}
}

func TestServe(t *testing.T) {
	h, err := newHandler(testFiles(), nil)
	if err != nil {
		t.Fatal(err)
	}
	script := "/" + Hashed("app.js", "plain script")
	for _, c := range []struct {
		path, accept, want, encoding, mediaType string
		fixed                                   bool
	}{
		{"/", "", "<p>plain</p>", "", "text/html; charset=utf-8", false},
		{"/", "gzip, br", "<p>plain</p>", "", "text/html; charset=utf-8", false},
		{script, "gzip, deflate, br", "br", "br", "text/javascript; charset=utf-8", true},
		{script, "gzip", "gzipped", "gzip", "text/javascript; charset=utf-8", true},
		{script, "br;q=0, gzip;q=0.5", "gzipped", "gzip", "text/javascript; charset=utf-8", true},
		{script, "br; q=0.0, GZIP", "gzipped", "gzip", "text/javascript; charset=utf-8", true},
		{script, "identity", "plain script", "", "text/javascript; charset=utf-8", true},
		{script, "", "plain script", "", "text/javascript; charset=utf-8", true},
		{"/sw.js", "", "worker", "", "text/javascript; charset=utf-8", false},
		{"/icon.svg", "", "<svg/>", "", "image/svg+xml", false},
	} {
		t.Run(fmt.Sprintf("%s %s", c.path, c.accept), func(t *testing.T) {
			r := get(t, h, c.path, "Accept-Encoding", c.accept)
			if got := string(body(t, r)); r.StatusCode != http.StatusOK || got != c.want {
				t.Fatalf("%s %q, want %q", r.Status, got, c.want)
			}
			if got := r.Header.Get("Content-Encoding"); got != c.encoding {
				t.Errorf("encoding %q, want %q", got, c.encoding)
			}
			if got := r.Header.Get("Content-Type"); got != c.mediaType {
				t.Errorf("type %q, want %q", got, c.mediaType)
			}
			if fixed := strings.Contains(r.Header.Get("Cache-Control"), "immutable"); fixed != c.fixed {
				t.Errorf("cache %q", r.Header.Get("Cache-Control"))
			}
			for name, want := range map[string]string{
				"Content-Security-Policy": Policy + NoFrames, "X-Content-Type-Options": "nosniff", "Vary": "Accept-Encoding",
			} {
				if got := r.Header.Get(name); got != want {
					t.Errorf("%s: %q, want %q", name, got, want)
				}
			}
			again := get(t, h, c.path, "Accept-Encoding", c.accept, "If-None-Match", `W/"x", `+r.Header.Get("ETag"))
			if again.StatusCode != http.StatusNotModified || len(body(t, again)) > 0 {
				t.Errorf("the same again: %s", again.Status)
			}
			other := get(t, h, c.path, "Accept-Encoding", c.accept, "If-None-Match", `"x"`)
			if other.StatusCode != http.StatusOK {
				t.Errorf("another one: %s", other.Status)
			}
		})
	}
}

func TestNotThere(t *testing.T) {
	h, err := newHandler(testFiles(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{"/app.js", "/app.0123456789.js", "/app.js.br", "/index.html", "/files/", "/x", "//", "/../page.go"} {
		r := get(t, h, path)
		if r.StatusCode != http.StatusNotFound {
			t.Errorf("%s: %s", path, r.Status)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: its answer may be sniffed", path)
		}
	}
}

func TestHead(t *testing.T) {
	h, err := newHandler(testFiles(), nil)
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodHead, "/", nil))
	if w.Body.Len() > 0 || w.Header().Get("Content-Length") != "12" {
		t.Errorf("%q, length %s", w.Body, w.Header().Get("Content-Length"))
	}
}

// Only pages of the origins that the server was told of have the page within them, and what they
// name of it is for them.
func TestFrames(t *testing.T) {
	none, err := Handler()
	if err != nil {
		t.Fatal(err)
	}
	r := get(t, none, "/")
	if p := r.Header.Get("Content-Security-Policy"); !strings.Contains(p, "frame-ancestors 'none'") || r.Header.Get("X-Frame-Options") != "DENY" {
		t.Errorf("without origins: %v", r.Header)
	}
	some, err := Handler("https://a.example", "http://127.0.0.1:8080")
	if err != nil {
		t.Fatal(err)
	}
	r = get(t, some, "/")
	if p := r.Header.Get("Content-Security-Policy"); !strings.HasSuffix(p, "frame-ancestors https://a.example http://127.0.0.1:8080") || r.Header.Get("X-Frame-Options") != "" {
		t.Errorf("with origins: %v", r.Header)
	}
	r = get(t, some, "/embed.js")
	if r.StatusCode != http.StatusOK || r.Header.Get("Cross-Origin-Resource-Policy") != "cross-origin" || r.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("the script for others: %s %v", r.Status, r.Header)
	}
	if r := get(t, some, "/sw.js"); r.Header.Get("Cross-Origin-Resource-Policy") != "same-origin" {
		t.Errorf("the worker is for nobody else: %v", r.Header)
	}
}
