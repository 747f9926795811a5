package transfer

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// jsonStream reads values of a JSON file one after the other, and never holds more than one: what
// it reads for a value is bounded.
type jsonStream struct {
	d      *json.Decoder
	budget *budgetReader
}

// budgetReader ends when it was asked for more than it may give.
type budgetReader struct {
	r    io.Reader
	left int
}

var errBudget = errors.New("a value has too many bytes")

func (b *budgetReader) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errBudget
	}
	n, err := b.r.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err
}

// withoutMark is a text without the mark of the order of bytes that some programs put before UTF-8.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if first, _ := b.Peek(3); string(first) == "\xef\xbb\xbf" {
		_, _ = b.Discard(3)
	}
	return b
}

func newJSONStream(r io.Reader) *jsonStream {
	b := &budgetReader{r: r}
	return &jsonStream{d: json.NewDecoder(b), budget: b}
}

// token reads a bracket, a name or a simple value.
func (s *jsonStream) token() (json.Token, error) {
	s.budget.left = valueBytesMax
	t, err := s.d.Token()
	return t, s.wrong(err)
}

// value reads a whole value. What is of another type in it is an *errLine, and the stream goes on
// behind it; every other error is the end.
func (s *jsonStream) value(v any) error {
	s.budget.left = valueBytesMax
	err := s.d.Decode(v)
	var other *json.UnmarshalTypeError
	if errors.As(err, &other) {
		return wrong("%q is of another type: %s", other.Field, other.Value)
	}
	return s.wrong(err)
}

func (s *jsonStream) skip() error {
	var v json.RawMessage
	return s.value(&v)
}

// errJSON is a file that is no JSON from somewhere on: its rest can not be read.
type errJSON struct {
	at  int64
	err error
}

func (e *errJSON) Error() string {
	return fmt.Sprintf("it is no JSON, or not whole, from byte %d on: %v", e.at, e.err)
}

func (e *errJSON) Unwrap() error { return e.err }

func (s *jsonStream) wrong(err error) error {
	var syntax *json.SyntaxError
	switch {
	case err == nil:
		return nil
	case err == errBudget:
		err = fmt.Errorf("a value has more than %d bytes", valueBytesMax)
	case err != io.EOF && err != io.ErrUnexpectedEOF && !errors.As(err, &syntax):
		return err // of reading
	case err == io.EOF:
		err = io.ErrUnexpectedEOF
	}
	return &errJSON{s.d.InputOffset(), err}
}

// delim reads a bracket.
func (s *jsonStream) delim(want json.Delim) error {
	t, err := s.token()
	if err == nil && t != want {
		err = &errJSON{s.d.InputOffset(), fmt.Errorf("there is %v where %v is to be", t, want)}
	}
	return err
}

// each reads an array. read reads one value of it; its *errLine are counted by the place of the
// value.
func (s *jsonStream) each(im *importer, where string, read func() error) error {
	if err := s.delim('['); err != nil {
		return err
	}
	for n := 1; s.more(); n++ {
		if err := im.faulty(fmt.Sprintf("%s, value %d", where, n), read()); err != nil {
			return err
		}
	}
	return s.delim(']')
}

func (s *jsonStream) more() bool {
	s.budget.left = valueBytesMax
	return s.d.More()
}
