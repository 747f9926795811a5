// Package archtest checks that the source keeps to the architecture: imports go down
// only, files can be read in one sitting, every package says what it is for, and
// tests wait for what happens and not for the clock.
package archtest

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// linesMax is how long a hand-written file that is no test may be.
const linesMax = 700

// sleepReason stands on the line of a time.Sleep in a test, with the reason why
// nothing else would do.
const sleepReason = "// sleep:"

// source is one Go file of the module. All files count, whatever system or build
// tag they are for, so they are parsed and not asked of the go command.
type source struct {
	path string // slash-separated, from the module's root
	pkg  string // its directory, likewise
	text []byte
	file *ast.File
	fset *token.FileSet
}

func (s *source) test() bool { return strings.HasSuffix(s.path, "_test.go") }

// sources parses the module's Go files.
func sources(t *testing.T, root string) []*source {
	t.Helper()
	var all []*source
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && skipped(path, d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}
		if filepath.Ext(path) != ".go" {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		s, err := parse(filepath.ToSlash(rel), text)
		if err != nil {
			return err
		}
		all = append(all, s)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func parse(path string, text []byte) (*source, error) {
	fset := token.NewFileSet()
	file, err := parser.ParseFile(fset, path, text, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	dir, _, _ := cutLast(path, "/")
	return &source{path: path, pkg: dir, text: text, file: file, fset: fset}, nil
}

func cutLast(s, sep string) (before, after string, found bool) {
	if i := strings.LastIndex(s, sep); i >= 0 {
		return s[:i], s[i+len(sep):], true
	}
	return "", s, false
}

// skipped reports whether a directory is none of the go command's, or another module.
func skipped(path, name string) bool {
	if name == "testdata" || name == "vendor" || name == "node_modules" ||
		strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
		return true
	}
	_, err := os.Stat(filepath.Join(path, "go.mod"))
	return err == nil
}

// broken returns what in s offends against the rules, each with its place.
func broken(s *source) []string {
	var faults []string
	fault := func(pos token.Pos, what string) {
		at := s.fset.Position(pos)
		faults = append(faults, s.path+":"+strconv.Itoa(at.Line)+": "+what)
	}

	for _, spec := range s.file.Imports {
		path, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			fault(spec.Pos(), err.Error())
			continue
		}
		what := outsideRule(s.pkg, path, s.test())
		if own, ok := strings.CutPrefix(path, module+"/"); ok {
			what = importRule(s.pkg, own, s.test())
		}
		if what != "" {
			fault(spec.Pos(), "imports "+path+": "+what)
		}
	}

	if n := bytes.Count(s.text, []byte("\n")); n > linesMax && !s.test() && !ast.IsGenerated(s.file) {
		fault(s.file.Package, strconv.Itoa(n)+" lines, "+strconv.Itoa(linesMax)+" are a long file already")
	}

	// aiotest, storetest and the like are tests, too.
	if s.test() || strings.HasSuffix(s.pkg, "test") {
		lines := bytes.Split(s.text, []byte("\n"))
		for _, pos := range sleeps(s.file) {
			if !bytes.Contains(lines[s.fset.Position(pos).Line-1], []byte(sleepReason)) {
				fault(pos, "time.Sleep in a test: wait for what happens, or give the reason behind "+sleepReason)
			}
		}
	}
	return faults
}

// sleeps returns where f speaks of time.Sleep, called or not.
func sleeps(f *ast.File) []token.Pos {
	name := ""
	for _, spec := range f.Imports {
		if spec.Path.Value == `"time"` {
			name = "time"
			if spec.Name != nil {
				name = spec.Name.Name
			}
		}
	}
	if name == "" {
		return nil
	}
	var found []token.Pos
	ast.Inspect(f, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok || sel.Sel.Name != "Sleep" {
			return true
		}
		if x, ok := sel.X.(*ast.Ident); ok && x.Name == name {
			found = append(found, sel.Pos())
		}
		return true
	})
	return found
}

// silent returns the packages that have no package comment.
func silent(all []*source) []string {
	said := map[string]bool{}
	for _, s := range all {
		said[s.pkg] = said[s.pkg] || s.file.Doc != nil && strings.TrimSpace(s.file.Doc.Text()) != ""
	}
	var quiet []string
	for pkg, ok := range said {
		if !ok {
			quiet = append(quiet, pkg)
		}
	}
	slices.Sort(quiet)
	return quiet
}

func TestArchitecture(t *testing.T) {
	all := sources(t, filepath.Join("..", ".."))
	if len(all) < 10 {
		t.Fatalf("found only %d Go files: this looks at the wrong directory", len(all))
	}
	for _, s := range all {
		for _, fault := range broken(s) {
			t.Error(fault)
		}
	}
	for _, pkg := range silent(all) {
		t.Errorf("package %s: no file says what it is for", pkg)
	}
}
