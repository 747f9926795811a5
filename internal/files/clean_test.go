package files

import (
	"bufio"
	"bytes"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"os"
	"testing"
)

func writePictures(t testing.TB) map[string][]byte {
	t.Helper()
	img := image.NewPaletted(image.Rect(0, 0, 30, 20), color.Palette{color.Black, color.White, color.RGBA{200, 10, 10, 255}})
	for i := range img.Pix {
		img.Pix[i] = uint8(i % 3)
	}
	all := map[string][]byte{}
	write := func(kind string, encode func(*bytes.Buffer) error) {
		var b bytes.Buffer
		if err := encode(&b); err != nil {
			t.Fatal(err)
		}
		all[kind] = b.Bytes()
	}
	write("image/jpeg", func(b *bytes.Buffer) error { return jpeg.Encode(b, img, nil) })
	write("image/png", func(b *bytes.Buffer) error { return png.Encode(b, img) })
	write("image/gif", func(b *bytes.Buffer) error { return gif.Encode(b, img, nil) })
	// The smallest lossless WebP: one pixel (RFC 9649, section 3).
	all["image/webp"] = []byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00")
	return all
}

func clean(t testing.TB, kind string, b []byte) ([]byte, error) {
	t.Helper()
	var out bytes.Buffer
	w := bufio.NewWriter(&out)
	_, err := kinds()[kind].clean(w, bufio.NewReader(bytes.NewReader(b)))
	if err == nil {
		err = w.Flush()
	}
	return out.Bytes(), err
}

// TestCleanLeavesThePicture looks that the pixels stay, and that words go, wherever a kind has room
// for them.
func TestCleanLeavesThePicture(t *testing.T) {
	const secret = "where-I-live"
	with := map[string]func(b []byte) []byte{
		"image/jpeg": func(b []byte) []byte {
			return bytes.Join([][]byte{b[:2], {0xff, 0xed, 0, 14}, []byte(secret), b[2:], []byte(secret)}, nil)
		},
		"image/png": func(b []byte) []byte {
			chunk := []byte("\x00\x00\x00\x0ctEXt" + secret + "\x00\x00\x00\x00")
			return bytes.Join([][]byte{b[:33], chunk, b[33:], []byte(secret)}, nil)
		},
		"image/gif": func(b []byte) []byte {
			comment := []byte("\x21\xfe\x0c" + secret + "\x00" + "\x21\xff\x0bXMP DataXMP\x0c" + secret + "\x00")
			n := len(b) - 1
			return bytes.Join([][]byte{b[:n], comment, b[n:], []byte(secret)}, nil)
		},
		"image/webp": func(b []byte) []byte {
			all := bytes.Join([][]byte{b, []byte("EXIF\x0c\x00\x00\x00" + secret)}, nil)
			all[4] += 20
			return append(all, secret...)
		},
	}
	for kind, b := range writePictures(t) {
		dirty := with[kind](b)
		if !bytes.Contains(dirty, []byte(secret)) {
			t.Fatalf("%s: there is nothing to be cleaned", kind)
		}
		got, err := clean(t, kind, dirty)
		if err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		if bytes.Contains(got, []byte(secret)) {
			t.Errorf("%s: it still says it", kind)
		}
		if kind == "image/webp" {
			copy(got[4:], webpSize(int64(len(got))))
		}
		want, err := kinds()[kind].decode(bytes.NewReader(b))
		if err != nil {
			t.Fatal(kind, err)
		}
		img, err := kinds()[kind].decode(bytes.NewReader(got))
		if err != nil || img.Bounds() != want.Bounds() {
			t.Errorf("%s: %v, %v", kind, img, err)
			continue
		}
		for y := range img.Bounds().Dy() {
			for x := range img.Bounds().Dx() {
				if img.At(x, y) != want.At(x, y) {
					t.Fatalf("%s: pixel %d, %d has changed", kind, x, y)
				}
			}
		}
	}
}

// FuzzLook gives anything to what looks at files: it ends, keeps to its bounds, and what it calls a
// picture is one.
func FuzzLook(f *testing.F) {
	for _, b := range writePictures(f) {
		f.Add(b)
	}
	f.Add([]byte("\xff\xd8\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff"))
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00"))
	f.Fuzz(func(t *testing.T, b []byte) {
		dir := t.TempDir()
		open := func(name string, b []byte) *os.File {
			file, err := os.CreateTemp(dir, name)
			if err == nil {
				_, err = file.Write(b)
			}
			if err != nil {
				t.Fatal(err)
			}
			return file
		}
		from, to := open("from", b), open("to", nil)
		defer from.Close()
		defer to.Close()
		const pixelsMax = 10000
		s, err := look(from, to, pixelsMax)
		if err != nil {
			t.Fatal(err)
		}
		if !s.picture {
			if s.Width != 0 || s.Height != 0 {
				t.Fatalf("no picture, and %d by %d", s.Width, s.Height)
			}
			return
		}
		if s.Width*s.Height > pixelsMax || s.Width < 1 || s.Height < 1 {
			t.Fatalf("a picture of %d by %d", s.Width, s.Height)
		}
		cleaned, err := os.ReadFile(to.Name())
		if err != nil || len(cleaned) > len(b)+36 { // how to turn it, at most
			t.Fatalf("%d bytes are %d now, %v", len(b), len(cleaned), err)
		}
		var small bytes.Buffer
		if _, err := s.shrink(bytes.NewReader(cleaned), &small); err != nil {
			t.Fatal(err)
		}
	})
}

func TestTurn(t *testing.T) {
	// A picture of 2 by 1 pixels, red and green, and where red is in the turned one.
	red, green := color.NRGBA{255, 0, 0, 255}, color.NRGBA{0, 255, 0, 255}
	for orientation, at := range map[int]image.Point{
		1: {0, 0}, 2: {1, 0}, 3: {1, 0}, 4: {0, 0}, 5: {0, 0}, 6: {0, 0}, 7: {0, 1}, 8: {0, 1},
	} {
		img := image.NewNRGBA(image.Rect(0, 0, 2, 1))
		img.SetNRGBA(0, 0, red)
		img.SetNRGBA(1, 0, green)
		got := turn(img, orientation)
		if upright := got.Rect.Dx() == 1; upright != (orientation >= 5) || got.NRGBAAt(at.X, at.Y) != red {
			t.Errorf("orientation %d: %v, %v", orientation, got.Rect, got.Pix)
		}
	}
}
