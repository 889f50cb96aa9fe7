package discovery

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "contacts")
	f := &File{Path: path}
	if _, err := f.Discover(t.Context()); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("without a file: got %v, want %v", err, os.ErrNotExist)
	}
	for _, tt := range []struct {
		name, text string
		want       []string
	}{
		{"lines", "a:1\nb:1\n", []string{"a:1", "b:1"}},
		{"comments and blanks", "# those\n\n  a:1  # the first\n\tb:1", []string{"a:1", "b:1"}},
		{"same size, at once", "# those\n\n  a:1  # the first\n\tc:1", []string{"a:1", "c:1"}},
		{"empty", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if got, err := f.Discover(t.Context()); err != nil || !slices.Equal(got, tt.want) {
				t.Errorf("got %q, %v, want %q", got, err, tt.want)
			}
		})
	}
	if err := os.WriteFile(path, []byte(strings.Repeat("a:1\n", maxFile)), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Discover(t.Context()); !errors.Is(err, ErrBadList) {
		t.Errorf("a huge file: got %v, want %v", err, ErrBadList)
	}
}

// A file is not read again while its time and size are those of an old change.
func TestFileIsReadWhenItChanged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "contacts")
	write := func(text string, at time.Time) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	f := &File{Path: path}
	want := func(what, address string) {
		t.Helper()
		if got, err := f.Discover(t.Context()); err != nil || !slices.Equal(got, []string{address}) {
			t.Errorf("%s: got %q, %v, want %s", what, got, err, address)
		}
	}
	old := time.Now().Add(-time.Hour)
	write("a:1", old)
	want("first", "a:1")
	write("b:1", old)
	want("nothing tells of a change", "a:1")
	write("b:1", old.Add(time.Second))
	want("a later time", "b:1")
}
