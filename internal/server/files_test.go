package server_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"sarang/aio"
	"sarang/chat"
	"sarang/internal/server"
	pb "sarang/proto/sarang/v1"
)

// loggedIn logs in as a guest and returns who it is, and what its requests for files are to show.
func (c *script) loggedIn(name string) (user uint64, bearer string) {
	c.t.Helper()
	c.say(pb.CLogin, &pb.Login{VersionMin: 1, VersionMax: 1, Name: name})
	var in pb.LoggedIn
	c.next(pb.SLogin, &in)
	return in.User, bearerOf(in.User, in.Token)
}

func bearerOf(user uint64, token []byte) string {
	return "Bearer " + strconv.FormatUint(user, 10) + ":" + base64.RawURLEncoding.EncodeToString(token)
}

// joining joins a room, which is made if it is not there.
func (c *script) joining(name string, private bool) uint64 {
	c.t.Helper()
	c.say(pb.CJoin, &pb.Join{Request: 1, Name: name, Create: true, Private: private})
	var in pb.Joined
	c.next(pb.SJoin, &in)
	return in.Room.Id
}

// web asks the web address of a server.
type fileClient struct {
	t      *testing.T
	base   string
	bearer string
}

func (f *fileClient) ask(method, path string, body []byte, headers ...string) (*http.Response, []byte) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, f.base+path, bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	if f.bearer != "" {
		r.Header.Set("Authorization", f.bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	answer, err := (&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		f.t.Fatalf("%s %s: %v", method, path, err)
	}
	return answer, said
}

// want asks, and wants a status; of a failure the code, too.
func (f *fileClient) want(status int, code chat.Code, method, path string, body []byte, headers ...string) (*http.Response, []byte) {
	f.t.Helper()
	answer, said := f.ask(method, path, body, headers...)
	var failure struct{ Code chat.Code }
	if code != 0 {
		_ = json.Unmarshal(said, &failure)
	}
	if answer.StatusCode != status || failure.Code != code {
		f.t.Fatalf("%s %s: %s %s; want %d with code %d", method, path, answer.Status, said[:min(len(said), 200)], status, code)
	}
	return answer, said
}

// begin begins an upload and returns where it is.
func (f *fileClient) begin(name string, content []byte) string {
	f.t.Helper()
	sum := sha256.Sum256(content)
	text, _ := json.Marshal(map[string]any{"name": name, "bytes": len(content), "sha256": hex.EncodeToString(sum[:])})
	answer, _ := f.want(http.StatusCreated, 0, "POST", "/files", text)
	return answer.Header.Get("Location")
}

// upload uploads in two pieces and returns the file.
func (f *fileClient) upload(name string, content []byte) (info chat.FileInfo) {
	f.t.Helper()
	at := f.begin(name, content)
	half := len(content) / 2
	f.want(http.StatusNoContent, 0, "PATCH", at, content[:half], "Upload-Offset", "0")
	f.want(http.StatusNoContent, 0, "PATCH", at, content[half:], "Upload-Offset", strconv.Itoa(half))
	for range 2 { // an answer that was lost is told again
		_, said := f.want(http.StatusOK, 0, "POST", at, nil)
		if err := json.Unmarshal(said, &info); err != nil {
			f.t.Fatalf("%s: %v", said, err)
		}
	}
	return info
}

func filesServer(t *testing.T, c server.Config) (*running, *fileClient) {
	s := start(t, withWeb(c))
	return s, &fileClient{t: t, base: "http://" + s.WebAddr().Addr.String()}
}

func as(f *fileClient, bearer string) *fileClient { return &fileClient{f.t, f.base, bearer} }

func TestFiles(t *testing.T) {
	eachServer(t, func(t *testing.T, c server.Config) {
		s, nobody := filesServer(t, c)
		defer stop(t, s)
		mina, jun := dial(t, s, "mina"), dial(t, s, "jun")
		_, hers := mina.loggedIn("mina")
		_, his := jun.loggedIn("jun")
		her, him := as(nobody, hers), as(nobody, his)
		room, private := mina.joining("hall", false), mina.joining("study", true)
		if jun.joining("hall", false) != room {
			t.Fatal("two halls")
		}

		content := []byte(strings.Repeat("Once upon a time. ", 20000))
		const name = "../../etc/passwd\\..\\사진 \"1\"; x.txt"
		file := her.upload(name, content)
		if file.Name != name || file.Type != "text/plain" || file.Bytes != int64(len(content)) {
			t.Fatalf("the file is %+v", file)
		}

		// Until a message names it, it is hers alone.
		own := fmt.Sprintf("/files/%d", file.ID)
		if _, got := her.want(http.StatusOK, 0, "GET", own, nil); !bytes.Equal(got, content) {
			t.Fatal("the file is not what was uploaded")
		}
		him.want(http.StatusNotFound, chat.CodeNoFile, "GET", own, nil)
		nobody.want(http.StatusUnauthorized, chat.CodeNotLoggedIn, "GET", own, nil)
		as(nobody, his[:len(his)-4]+"AAAA").want(http.StatusUnauthorized, chat.CodeBadToken, "GET", own, nil)
		jun.say(pb.CChat, &pb.Publish{Room: room, Nonce: 1, Files: []uint64{uint64(file.ID)}})
		jun.refused(chat.CodeNoFile)

		mina.say(pb.CChat, &pb.Publish{Room: room, Nonce: 1, Files: []uint64{uint64(file.ID)}})
		mina.settled(room, 1)
		mina.say(pb.CChat, &pb.Publish{Room: private, Nonce: 1, Text: "and here", Files: []uint64{uint64(file.ID)}})
		mina.settled(private, 1)
		var e pb.Event
		for e.Kind != pb.EventKind_EVENT_KIND_MESSAGE {
			jun.next(pb.SChat, &e)
		}
		if len(e.Files) != 1 || e.Text != "" || e.Files[0].Name != name || e.Files[0].Id != uint64(file.ID) || e.Files[0].Bytes != uint64(len(content)) {
			t.Fatalf("told is %v", &e)
		}
		at := fmt.Sprintf("/files/%d/%d/%d", room, e.Seq, file.ID)
		answer, got := him.want(http.StatusOK, 0, "GET", at, nil)
		if !bytes.Equal(got, content) {
			t.Fatal("the file is not what was uploaded")
		}
		for header, want := range map[string]string{
			"Content-Type": "application/octet-stream", "X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-cache",
			"Content-Security-Policy": "default-src 'none'; sandbox",
			"Content-Disposition":     "attachment; filename*=UTF-8''..%2F..%2Fetc%2Fpasswd%5C..%5C%EC%82%AC%EC%A7%84%20%221%22%3B%20x.txt",
		} {
			if answer.Header.Get(header) != want {
				t.Errorf("%s is %q, want %q", header, answer.Header.Get(header), want)
			}
		}
		// A part of it, and nothing where it is known already.
		if _, got := him.want(http.StatusPartialContent, 0, "GET", at, nil, "Range", "bytes=5-9"); string(got) != string(content[5:10]) {
			t.Errorf("bytes 5 to 9 are %q", got)
		}
		him.want(http.StatusRequestedRangeNotSatisfiable, 0, "GET", at, nil, "Range", fmt.Sprintf("bytes=%d-", len(content)))
		him.want(http.StatusNotModified, 0, "GET", at, nil, "If-None-Match", answer.Header.Get("Etag"))

		// Who may not read the message does not get it, whatever he knows.
		him.want(http.StatusNotFound, chat.CodeNoRoom, "GET", fmt.Sprintf("/files/%d/2/%d", private, file.ID), nil)
		him.want(http.StatusNotFound, chat.CodeNoFile, "GET", fmt.Sprintf("/files/%d/1/%d", room, file.ID), nil)
		him.want(http.StatusNotFound, chat.CodeNoFile, "GET", at+"1", nil)
		him.want(http.StatusNotFound, chat.CodeNoFile, "GET", at+"/thumbnail", nil)
		him.want(http.StatusNotFound, chat.CodeNoFile, "GET", fmt.Sprintf("/files/%d/x/%d", room, file.ID), nil)

		mina.say(pb.CRole, &pb.GiveRole{Room: room, Nonce: 2, Name: "jun", Role: uint32(chat.RoleBanned)})
		mina.settled(room, 2)
		him.want(http.StatusForbidden, chat.CodeForbidden, "GET", at, nil)

		// Deleted is gone, and the bytes with the last message.
		mina.say(pb.CDelete, &pb.Delete{Room: room, Nonce: 3, Target: e.Seq})
		mina.settled(room, 3)
		her.want(http.StatusNotFound, chat.CodeNoFile, "GET", at, nil)
		her.want(http.StatusOK, 0, "GET", own, nil)
		if !onDisk(t, c.DataDir, content[:2000]) {
			t.Error("the bytes are gone, and a message names them")
		}
		var here pb.HistoryPage
		mina.say(pb.CHistory, &pb.History{Request: 9, Room: private, ItemsMax: 10})
		mina.next(pb.SHistory, &here)
		last := here.Events[len(here.Events)-1]
		if last.Text != "and here" || len(last.Files) != 1 {
			t.Fatalf("history tells %v", last)
		}
		mina.say(pb.CDelete, &pb.Delete{Room: private, Nonce: 4, Target: last.Seq})
		mina.settled(private, 4)
		her.want(http.StatusNotFound, chat.CodeNoFile, "GET", own, nil)
		if c.Workers != 1 || c.IO != aio.Kinds()[0] {
			return // the collector takes a moment
		}
		for end := time.Now().Add(patience); onDisk(t, c.DataDir, content[:2000]); {
			if time.Now().After(end) {
				t.Fatal("the bytes are still there")
			}
			time.Sleep(20 * time.Millisecond) // sleep: the collector looks by the clock
		}
	})
}

// refused waits for an error with a code.
func (c *script) refused(code chat.Code) {
	c.t.Helper()
	var e pb.Error
	if c.next(pb.SError, &e); e.Code != uint32(code) {
		c.t.Fatalf("%s: %v, want code %d", c.name, &e, code)
	}
}

// onDisk reports whether a file below a folder has these bytes.
func onDisk(t *testing.T, dir string, bytesOf []byte) (found bool) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // it has just gone
		}
		if content, err := os.ReadFile(path); err == nil && bytes.Contains(content, bytesOf) {
			found = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// oneServer is a configuration with whatever this machine does best.
func oneServer(t *testing.T) server.Config {
	var found *server.Config
	eachServer(t, func(_ *testing.T, c server.Config) {
		if found == nil {
			found = &c
		}
	})
	return *found
}

// photo is a picture with something in every segment that a camera writes.
func photo(t *testing.T, w, h, orientation int) []byte {
	t.Helper()
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			img.Set(x, y, color.RGBA{uint8(x * 255 / w), uint8(y * 255 / h), 90, 255})
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, img, nil); err != nil {
		t.Fatal(err)
	}
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x12\x01\x03\x00\x01\x00\x00\x00" + string(rune(orientation)) + "\x00\x00\x00\x00\x00\x00\x00GPS-WHERE-I-LIVE"
	segment := func(marker byte, s string) []byte {
		return append([]byte{0xff, marker, byte((len(s) + 2) >> 8), byte(len(s) + 2)}, s...)
	}
	plain := b.Bytes()
	all := append([]byte{}, plain[:2]...)
	all = append(all, segment(0xe1, exif)...)
	all = append(all, segment(0xe1, "http://ns.adobe.com/xap/1.0/\x00GPS-WHERE-I-LIVE")...)
	all = append(all, segment(0xfe, "GPS-WHERE-I-LIVE")...)
	all = append(all, plain[2:]...)
	return append(all, "GPS-WHERE-I-LIVE"...)
}

func TestPictures(t *testing.T) {
	c := oneServer(t)
	c.DataDir = t.TempDir()
	c.Hub.Files.PixelsMax = 1000 * 1000
	s, nobody := filesServer(t, c)
	defer stop(t, s)
	mina := dial(t, s, "mina")
	_, hers := mina.loggedIn("mina")
	her := as(nobody, hers)
	room := mina.joining("hall", false)

	file := her.upload("me.jpg", photo(t, 800, 400, 6))
	if file.Type != "image/jpeg" || file.Width != 400 || file.Height != 800 || !file.Thumbnail {
		t.Fatalf("the picture is %+v", file)
	}
	mina.say(pb.CChat, &pb.Publish{Room: room, Nonce: 1, Text: "me", Files: []uint64{uint64(file.ID)}})
	var ack pb.Ack
	mina.next(pb.SAck, &ack)
	at := fmt.Sprintf("/files/%d/%d/%d", room, ack.Seq, file.ID)
	answer, got := her.want(http.StatusOK, 0, "GET", at, nil)
	if answer.Header.Get("Content-Type") != "image/jpeg" || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "inline;") {
		t.Errorf("the headers are %v", answer.Header)
	}
	if bytes.Contains(got, []byte("GPS")) || onDisk(t, c.DataDir, []byte("GPS-WHERE")) {
		t.Error("where she lives is in it")
	}
	if img, err := jpeg.Decode(bytes.NewReader(got)); err != nil || img.Bounds().Dx() != 800 {
		t.Errorf("what is left is no picture: %v", err)
	}
	answer, small := her.want(http.StatusOK, 0, "GET", at+"/thumbnail", nil)
	img, err := jpeg.Decode(bytes.NewReader(small))
	if err != nil || img.Bounds() != image.Rect(0, 0, 160, 320) || answer.Header.Get("Content-Type") != "image/jpeg" {
		t.Fatalf("the thumbnail is %v, %v, %v", img, err, answer.Header)
	}
	// Turned to the right, what was at the bottom left is at the top left: little red, much green.
	if r, g, _, _ := img.At(8, 8).RGBA(); r > 0x4000 || g < 0xb000 {
		t.Errorf("the thumbnail is not turned: red %x, green %x", r, g)
	}

	// A picture that says that it is large is not decoded, and no picture for anybody.
	bomb := her.upload("bomb.png", pngBomb())
	if bomb.Type != "application/octet-stream" || bomb.Width != 0 || bomb.Thumbnail {
		t.Errorf("the bomb is %+v", bomb)
	}
	// What only begins like one is bytes, too.
	if fake := her.upload("fake.jpg", []byte("\xff\xd8\xff\xe0<script>alert(1)</script>")); fake.Type != "application/octet-stream" {
		t.Errorf("the fake is %+v", fake)
	}
	page := her.upload("page.png", []byte("<html><script>alert(1)</script>"))
	answer, _ = her.want(http.StatusOK, 0, "GET", fmt.Sprintf("/files/%d", page.ID), nil)
	if answer.Header.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(answer.Header.Get("Content-Disposition"), "attachment;") {
		t.Errorf("a page is given with %v", answer.Header)
	}
}

// pngBomb is the header of a picture of 30000 times 30000 pixels, and hardly any bytes.
func pngBomb() []byte {
	chunk := func(name, data string) string {
		return string([]byte{0, 0, 0, byte(len(data))}) + name + data + "\x00\x00\x00\x00"
	}
	return []byte("\x89PNG\r\n\x1a\n" + chunk("IHDR", "\x00\x00\x75\x30\x00\x00\x75\x30\x08\x06\x00\x00\x00") + chunk("IDAT", "x") + chunk("IEND", ""))
}

func TestUploadsAreResumed(t *testing.T) {
	c := oneServer(t)
	c.DataDir = t.TempDir()
	s, nobody := filesServer(t, c)
	mina := dial(t, s, "mina")
	_, hers := mina.loggedIn("mina")
	her := as(nobody, hers)
	content := bytes.Repeat([]byte("0123456789"), 50000)
	at := her.begin("a", content)
	her.want(http.StatusNoContent, 0, "PATCH", at, content[:100000], "Upload-Offset", "0")
	her.want(http.StatusConflict, chat.CodeSequence, "PATCH", at, content[:10], "Upload-Offset", "0")
	her.want(http.StatusConflict, chat.CodeSequence, "PATCH", at, content[:10], "Upload-Offset", "100001")
	her.want(http.StatusUnprocessableEntity, chat.CodeMalformed, "PATCH", at, content[:10])
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", at, nil) // the rest is missing
	stop(t, s)

	// The server comes back, and so does she.
	s, nobody = filesServer(t, c)
	defer stop(t, s)
	her = as(nobody, hers)
	answer, _ := her.want(http.StatusOK, 0, "HEAD", at, nil)
	if answer.Header.Get("Upload-Offset") != "100000" {
		t.Fatalf("the offset is %q", answer.Header.Get("Upload-Offset"))
	}
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "PATCH", at, append(content[100000:len(content):len(content)], 'x'), "Upload-Offset", "100000")
	her.want(http.StatusNoContent, 0, "PATCH", at, content[100000:], "Upload-Offset", "100000")
	_, said := her.want(http.StatusOK, 0, "POST", at, nil)
	var file chat.FileInfo
	if err := json.Unmarshal(said, &file); err != nil || file.Bytes != int64(len(content)) {
		t.Fatalf("%s: %v", said, err)
	}
	if _, got := her.want(http.StatusOK, 0, "GET", fmt.Sprintf("/files/%d", file.ID), nil); !bytes.Equal(got, content) {
		t.Error("the file is not what was uploaded")
	}

	// What comes is not what was announced: it is given up.
	at = her.begin("b", content)
	her.want(http.StatusNoContent, 0, "PATCH", at, bytes.Repeat([]byte("x"), len(content)), "Upload-Offset", "0")
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", at, nil)
	her.want(http.StatusNotFound, chat.CodeNoFile, "GET", at, nil)
	at = her.begin("c", content)
	jun := dial(t, s, "jun")
	_, his := jun.loggedIn("jun")
	for _, method := range []string{"GET", "PATCH", "POST", "DELETE"} { // it is hers
		as(nobody, his).want(http.StatusNotFound, chat.CodeNoFile, method, at, nil, "Upload-Offset", "0")
	}
	her.want(http.StatusNoContent, 0, "DELETE", at, nil)
	her.want(http.StatusNotFound, chat.CodeNoFile, "DELETE", at, nil)
	left, err := os.ReadDir(filepath.Join(c.DataDir, "files", "uploads"))
	if err != nil || len(left) != 0 {
		t.Errorf("left over are %v, %v", left, err)
	}
}

func TestFileLimits(t *testing.T) {
	c := oneServer(t)
	c.DataDir = t.TempDir()
	c.Hub.Files.BytesMax, c.Hub.Files.UserFilesMax, c.Hub.Files.UserUploadsMax = 1000, 2, 2
	s, nobody := filesServer(t, c)
	defer stop(t, s)
	_, hers := dial(t, s, "mina").loggedIn("mina")
	her := as(nobody, hers)
	begin := func(name string, n int) []byte { return []byte(fmt.Sprintf(`{"name":%q,"bytes":%d}`, name, n)) }
	her.want(http.StatusRequestEntityTooLarge, chat.CodeFileTooLarge, "POST", "/files", begin("a", 1001))
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", "/files", begin("a", 0))
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", "/files", begin("", 10))
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", "/files", []byte(`{"name":"a\u0000b","bytes":1}`))
	her.want(http.StatusUnprocessableEntity, chat.CodeBadFile, "POST", "/files", []byte(`{"name":"a","bytes":1,"sha256":"x"}`))
	her.want(http.StatusUnprocessableEntity, chat.CodeMalformed, "POST", "/files", []byte(`{`))
	her.want(http.StatusUnprocessableEntity, chat.CodeMalformed, "POST", "/files", bytes.Repeat([]byte(" "), 5000))
	her.want(http.StatusCreated, 0, "POST", "/files", begin("a", 10))
	answer, _ := her.want(http.StatusCreated, 0, "POST", "/files", begin("b", 10))
	her.want(http.StatusTooManyRequests, chat.CodeTooMany, "POST", "/files", begin("c", 10))
	her.want(http.StatusNoContent, 0, "DELETE", answer.Header.Get("Location"), nil)
	her.upload("d", []byte("d"))
	her.upload("e", []byte("e"))
	her.want(http.StatusInsufficientStorage, chat.CodeQuota, "POST", "/files", begin("f", 10))
}
