package discovery

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxFile bounds what is read of a file.
const maxFile = 64 << 10

// settled is how old a file's last change must be for its time to tell that
// there was none since: file systems round times.
const settled = 2 * time.Second

// File is a Source that reads a file with one host:port a line; empty lines and
// what follows a '#' do not count. It is read again when its time or size has
// changed. Replace it by a rename: what is half written may be half read.
type File struct {
	Path string

	mu   sync.Mutex
	list []string
	read mark // what list was read from
}

// mark tells one content of a file from another.
type mark struct {
	changed time.Time
	size    int64
	firm    bool // the change was old enough when the file was read
}

// Discover returns the addresses in the file.
func (f *File) Discover(context.Context) ([]string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	file, err := os.Open(f.Path)
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, fmt.Errorf("discovery: %w", err)
	}
	now := mark{info.ModTime(), info.Size(), time.Since(info.ModTime()) >= settled}
	if f.read.firm && f.read == now {
		return slices.Clone(f.list), nil
	}
	list, err := addresses(file)
	if err != nil {
		return nil, fmt.Errorf("discovery: %s: %w", f.Path, err)
	}
	f.list, f.read = list, now
	return slices.Clone(list), nil
}

// addresses reads one address a line.
func addresses(r io.Reader) (list []string, err error) {
	limited := &io.LimitedReader{R: r, N: maxFile + 1}
	for lines := bufio.NewScanner(limited); ; {
		if !lines.Scan() {
			if limited.N == 0 {
				return nil, fmt.Errorf("%w: more than %d bytes", ErrBadList, maxFile)
			}
			return list, lines.Err()
		}
		line, _, _ := strings.Cut(lines.Text(), "#")
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, line)
		}
	}
}
