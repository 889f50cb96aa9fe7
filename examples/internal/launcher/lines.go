package launcher

import (
	"bufio"
	"bytes"
	"io"
)

// lineMax is what one line of a child's output may take; the rest of it follows
// as a line of its own.
const lineMax = 64 << 10

// EachLine calls f for each line of r, also for a last one without an end.
func EachLine(r io.Reader, f func(line string)) {
	in := bufio.NewReaderSize(r, lineMax)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			f(string(bytes.TrimRight(line, "\r\n")))
		}
		if err != nil && err != bufio.ErrBufferFull {
			return
		}
	}
}
