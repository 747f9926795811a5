// Package page has the page that browsers get: the files that are built from web/app, and
// how they are served. It needs nothing but these files: to build the server takes Go alone.
package page

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed files
var embedded embed.FS

// Policy is the page's Content-Security-Policy: nothing but its own files, no script or
// style that stands in a document, and no string that becomes code (trusted types). The one
// policy of trusted types that there may be is for the service worker's address. What stands behind
// it says which pages may have this one within them.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; " +
	"connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; " +
	"require-trusted-types-for 'script'; trusted-types sarang; frame-ancestors "

// NoFrames ends Policy where no page may have this one within it.
const NoFrames = "'none'"

// HashDigits is how much of a file's SHA-256, in hex, stands in its name.
const HashDigits = 10

// file is one of the page's, in the encodings that there are.
type file struct {
	mediaType string
	etag      string
	forms     []form // the smallest first
	fixed     bool   // its name has its hash: it never changes
}

type form struct {
	encoding string // as in Content-Encoding; "" is the file as it is
	body     string
}

// Handler serves the page. It answers GET and HEAD; what it does not have is 404. Pages of the
// origins frames may have it within them, which embed.js does for them; other pages may not.
func Handler(frames ...string) (http.Handler, error) { return newHandler(embedded, frames) }

func newHandler(from fs.FS, frames []string) (http.Handler, error) {
	entries, err := fs.ReadDir(from, "files")
	if err != nil {
		return nil, fmt.Errorf("page: %w", err)
	}
	h := handler{files: map[string]*file{}, policy: Policy + NoFrames}
	if h.framed = len(frames) > 0; h.framed {
		h.policy = Policy + strings.Join(frames, " ")
	}
	for _, e := range entries {
		name := e.Name()
		if strings.HasSuffix(name, ".gz") || strings.HasSuffix(name, ".br") {
			continue
		}
		f, err := read(from, name)
		if err != nil {
			return nil, fmt.Errorf("page: %w", err)
		}
		switch {
		case name == "index.html":
			h.files["/"] = f
		case hashed(name):
			f.fixed = true
			h.files["/"+Hashed(name, f.forms[len(f.forms)-1].body)] = f
		default:
			h.files["/"+name] = f
		}
	}
	return h, nil
}

// embedScript is for pages of others, which name it.
const embedScript = "embed.js"

// hashed reports whether a file is asked for by a name that has its hash: all that only the
// page's own document names.
func hashed(name string) bool {
	switch path.Ext(name) {
	case ".css":
		return true
	case ".js":
		return name != "sw.js" && name != embedScript // browsers want a service worker where it was
	}
	return false
}

// Hashed is the name by which a file is asked for: with its hash before its extension.
func Hashed(name, body string) string {
	sum := sha256.Sum256([]byte(body))
	ext := path.Ext(name)
	return strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:])[:HashDigits] + ext
}

func read(from fs.FS, name string) (*file, error) {
	f := &file{mediaType: mediaType(name)}
	for _, enc := range []struct{ name, ext string }{{"br", ".br"}, {"gzip", ".gz"}, {"", ""}} {
		b, err := fs.ReadFile(from, "files/"+name+enc.ext)
		if err != nil && enc.ext != "" {
			continue // what is small already has no other form
		}
		if err != nil {
			return nil, err
		}
		f.forms = append(f.forms, form{enc.name, string(b)})
		if enc.ext == "" {
			sum := sha256.Sum256(b)
			f.etag = hex.EncodeToString(sum[:])[:2*HashDigits]
		}
	}
	return f, nil
}

// mediaType does not ask the system's tables: they differ.
func mediaType(name string) string {
	switch path.Ext(name) {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".webmanifest":
		return "application/manifest+json"
	case ".html":
		return "text/html; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	}
	return mime.TypeByExtension(path.Ext(name))
}

type handler struct {
	files  map[string]*file // by the path that asks for them
	policy string
	framed bool // other pages may have this one within them
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Content-Security-Policy", h.policy) // of the worker and of pictures as well
	if r.URL.Path == "/"+embedScript {
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
	}
	f := h.files[r.URL.Path]
	if f == nil {
		http.Error(w, "there is no such page", http.StatusNotFound)
		return
	}
	form := f.choose(r.Header.Get("Accept-Encoding"))
	// Each form is an entity of its own (RFC 9110, section 8.8.3).
	etag := `"` + f.etag + `"`
	if form.encoding != "" {
		header.Set("Content-Encoding", form.encoding)
		etag = `"` + f.etag + "-" + form.encoding + `"`
	}
	header.Set("Vary", "Accept-Encoding")
	header.Set("ETag", etag)
	header.Set("Content-Type", f.mediaType)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if !h.framed {
		header.Set("X-Frame-Options", "DENY") // for browsers without frame-ancestors
	}
	header.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
	if f.fixed {
		header.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		header.Set("Cache-Control", "no-cache") // ask whether it is still the same
	}
	if matches(r.Header.Get("If-None-Match"), etag) {
		header.Del("Content-Encoding")
		w.WriteHeader(http.StatusNotModified)
		return
	}
	header.Set("Content-Length", fmt.Sprint(len(form.body)))
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(form.body))
	}
}

// matches reports whether a list of tags has one, weak or not (RFC 9110, section 13.1.2).
func matches(list, etag string) bool {
	for tag := range strings.SplitSeq(list, ",") {
		tag = strings.TrimPrefix(strings.TrimSpace(tag), "W/")
		if tag == etag || tag == "*" {
			return true
		}
	}
	return false
}

// choose returns the smallest form that a client takes.
func (f *file) choose(accept string) form {
	for _, form := range f.forms {
		if form.encoding == "" || accepts(accept, form.encoding) {
			return form
		}
	}
	return f.forms[len(f.forms)-1]
}

// accepts reports whether an encoding is named, and not with a weight of 0.
func accepts(list, encoding string) bool {
	for item := range strings.SplitSeq(list, ",") {
		name, weight, weighted := strings.Cut(item, ";")
		if !strings.EqualFold(strings.TrimSpace(name), encoding) {
			continue
		}
		weight = strings.ReplaceAll(strings.ToLower(weight), " ", "")
		return !weighted || strings.Trim(strings.TrimPrefix(weight, "q="), "0.") != ""
	}
	return false
}
