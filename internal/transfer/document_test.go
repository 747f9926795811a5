package transfer

import (
	"os"
	"strings"
	"testing"

	"sarang/internal/store/storesim"
)

// The export in docs/transfer.md is one: it can be imported, and is exported again as it stands there.
func TestDocument(t *testing.T) {
	text, err := os.ReadFile("../../docs/transfer.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "```jsonl\n")
	lines, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("docs/transfer.md has no lines of an export")
	}
	to := storesim.NewDisk(nil).Open()
	mustImport(t, to, Options{}, fileOf(t, "doc.jsonl", lines))
	if again := exported(t, to, 0); again != lines {
		t.Errorf("docs/transfer.md has\n%s\nand that is exported as\n%s", lines, again)
	}
	for _, name := range kindNames {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("docs/transfer.md does not have the type %q", name)
		}
	}
}
