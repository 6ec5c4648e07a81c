package lint

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"testing"
)

var fileInText = regexp.MustCompile("`([A-Za-z0-9_./-]+\\.(?:go|s|md|txt|zip|py))`")

// TestDocumentsNameFiles holds the documents for readers to the tree: a file that one names in backquotes
// exists, at that path or, for bare names, somewhere.
func TestDocumentsNameFiles(t *testing.T) {
	root, err := Root()
	if err != nil {
		t.Fatal(err)
	}
	bare := map[string]bool{}
	err = filepath.WalkDir(root, func(_ string, d os.DirEntry, err error) error {
		if err == nil {
			bare[d.Name()] = true
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, doc := range []string{"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "RATIONALE.md"} {
		text, err := os.ReadFile(filepath.Join(root, doc))
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range fileInText.FindAllSubmatch(text, -1) {
			found++
			name := string(m[1])
			if path.Base(name) == name && bare[name] {
				continue
			}
			if _, err := os.Stat(filepath.Join(root, filepath.FromSlash(name))); err != nil {
				t.Errorf("%s names %s, which does not exist", doc, name)
			}
		}
	}
	if found == 0 {
		t.Error("no document names a file")
	}
}
