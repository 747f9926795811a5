package files

import (
	"bufio"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// What a file is that says nothing.
const anyType = "application/octet-stream"

// thumbnailSideMax is how many pixels a thumbnail has, at most, in each direction. A picture that
// is no larger has none.
const thumbnailSideMax = 320

// kind is a kind of picture that is known.
type kind struct {
	config func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
	clean  func(*bufio.Writer, *bufio.Reader) (orientation int, err error)
}

func kinds() map[string]kind {
	upright := func(clean func(*bufio.Writer, *bufio.Reader) error) func(*bufio.Writer, *bufio.Reader) (int, error) {
		return func(w *bufio.Writer, r *bufio.Reader) (int, error) { return 1, clean(w, r) }
	}
	return map[string]kind{
		"image/jpeg": {jpeg.DecodeConfig, jpeg.Decode, cleanJPEG},
		"image/png":  {png.DecodeConfig, png.Decode, upright(cleanPNG)},
		"image/gif":  {gif.DecodeConfig, gif.Decode, upright(cleanGIF)},
		"image/webp": {webp.DecodeConfig, webp.Decode, upright(cleanWebP)},
	}
}

// typeOf returns the type of a file by its content, without parameters.
func typeOf(r io.ReaderAt) (string, error) {
	head := make([]byte, 512)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return "", err
	}
	t, _, _ := strings.Cut(http.DetectContentType(head[:n]), ";")
	return t, nil
}

// seen is what a file was found to be.
type seen struct {
	Type          string
	Width, Height int // of a picture, turned
	orientation   int
	picture       bool // a clean copy was written
}

// look finds out what a file is. Of a picture that is as its kind is to be, and has not more
// pixels than allowed, it writes a clean copy to clean; nothing is decoded but headers.
// Everything else is just bytes.
func look(f *os.File, clean *os.File, pixelsMax int) (s seen, err error) {
	if s.Type, err = typeOf(f); err != nil {
		return s, err
	}
	k, is := kinds()[s.Type]
	if !is {
		if strings.HasPrefix(s.Type, "image/") {
			s.Type = anyType
		}
		return s, nil
	}
	plain := seen{Type: anyType}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	w := bufio.NewWriter(clean)
	if s.orientation, err = k.clean(w, bufio.NewReader(f)); err != nil {
		return plain, nil // broken, or not a picture at all
	}
	if err := w.Flush(); err != nil {
		return s, err
	}
	if s.Type == "image/webp" {
		size, err := clean.Seek(0, io.SeekCurrent)
		if err == nil {
			_, err = clean.WriteAt(webpSize(size), 4)
		}
		if err != nil {
			return s, err
		}
	}
	if _, err := clean.Seek(0, io.SeekStart); err != nil {
		return s, err
	}
	c, err := k.config(bufio.NewReader(clean))
	if err != nil || c.Width < 1 || c.Height < 1 || int64(c.Width)*int64(c.Height) > int64(pixelsMax) {
		return plain, nil
	}
	s.Width, s.Height, s.picture = c.Width, c.Height, true
	if s.orientation >= 5 {
		s.Width, s.Height = c.Height, c.Width
	}
	return s, nil
}

// shrink writes a thumbnail of a picture that look has found good, and reports whether there is
// one: a small picture needs none, and of one that can not be decoded there is none.
func (s *seen) shrink(from io.Reader, to io.Writer) (made bool, err error) {
	if s.Width <= thumbnailSideMax && s.Height <= thumbnailSideMax {
		return false, nil
	}
	img, err := decode(kinds()[s.Type], from)
	if err != nil {
		return false, nil
	}
	b := img.Bounds()
	w, h := fit(b.Dx(), b.Dy())
	small := image.NewNRGBA(image.Rect(0, 0, w, h))
	draw.ApproxBiLinear.Scale(small, small.Bounds(), img, b, draw.Src, nil)
	turned := turn(small, s.orientation)
	if opaque(turned) {
		return true, jpeg.Encode(to, turned, &jpeg.Options{Quality: 80})
	}
	return true, png.Encode(to, turned)
}

// decode decodes a picture. A decoder that panics has found it broken.
func decode(k kind, r io.Reader) (img image.Image, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("decoding: %v", p)
		}
	}()
	return k.decode(bufio.NewReader(r))
}

// fit returns the size of a thumbnail.
func fit(w, h int) (int, int) {
	if w >= h {
		return min(w, thumbnailSideMax), max(h*min(w, thumbnailSideMax)/max(w, 1), 1)
	}
	return max(w*min(h, thumbnailSideMax)/max(h, 1), 1), min(h, thumbnailSideMax)
}

func opaque(img *image.NRGBA) bool { return img.Opaque() }

// turn turns a picture as EXIF's orientation says.
func turn(img *image.NRGBA, orientation int) *image.NRGBA {
	if orientation < 2 {
		return img
	}
	w, h := img.Rect.Dx(), img.Rect.Dy()
	tw, th := w, h
	if orientation >= 5 {
		tw, th = h, w
	}
	turned := image.NewNRGBA(image.Rect(0, 0, tw, th))
	for y := range h {
		for x := range w {
			tx, ty := x, y
			switch orientation {
			case 2:
				tx = w - 1 - x
			case 3:
				tx, ty = w-1-x, h-1-y
			case 4:
				ty = h - 1 - y
			case 5:
				tx, ty = y, x
			case 6:
				tx, ty = h-1-y, x
			case 7:
				tx, ty = h-1-y, w-1-x
			case 8:
				tx, ty = y, w-1-x
			}
			turned.SetNRGBA(tx, ty, img.NRGBAAt(x, y))
		}
	}
	return turned
}
