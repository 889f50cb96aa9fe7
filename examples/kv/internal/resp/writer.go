package resp

import (
	"math"
	"strconv"
	"strings"
)

// Writer appends replies. Types that version 2 lacks are written as what servers
// of the field send in their place. The zero Writer writes version 2.
type Writer struct {
	Buf []byte // what was written
	V3  bool   // the client said HELLO 3
}

func (w *Writer) head(kind byte, n int64) {
	w.Buf = append(w.Buf, kind)
	w.Buf = strconv.AppendInt(w.Buf, n, 10)
	w.Buf = append(w.Buf, '\r', '\n')
}

// OK writes +OK.
func (w *Writer) OK() { w.Status("OK") }

// Status writes a simple string, which must not hold an end of line.
func (w *Writer) Status(s string) {
	w.Buf = append(w.Buf, '+')
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Error writes an error that begins with its code, such as "ERR syntax error".
func (w *Writer) Error(s string) {
	w.Buf = append(w.Buf, '-')
	w.Buf = append(w.Buf, oneLine.Replace(s)...)
	w.Buf = append(w.Buf, '\r', '\n')
}

var oneLine = strings.NewReplacer("\r", " ", "\n", " ")

// Int writes an integer.
func (w *Writer) Int(n int64) { w.head(':', n) }

// Bool writes 1 or 0, as an integer in both versions.
func (w *Writer) Bool(b bool) {
	if b {
		w.Int(1)
		return
	}
	w.Int(0)
}

// Bulk writes a string of bytes; nil is an empty one.
func (w *Writer) Bulk(b []byte) {
	w.head('$', int64(len(b)))
	w.Buf = append(w.Buf, b...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Text is Bulk for a string.
func (w *Writer) Text(s string) {
	w.head('$', int64(len(s)))
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Verbatim writes text for people: in version 3 a verbatim string.
func (w *Writer) Verbatim(s string) {
	if !w.V3 {
		w.Text(s)
		return
	}
	w.head('=', int64(len(s))+4)
	w.Buf = append(w.Buf, "txt:"...)
	w.Buf = append(w.Buf, s...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Double writes a number with a fraction.
func (w *Writer) Double(f float64) {
	text := strconv.FormatFloat(f, 'g', 17, 64)
	if !math.IsInf(f, 0) && f == math.Trunc(f) && math.Abs(f) < 1e17 {
		text = strconv.FormatFloat(f, 'f', -1, 64)
	}
	if !w.V3 {
		w.Text(text)
		return
	}
	w.Buf = append(w.Buf, ',')
	w.Buf = append(w.Buf, text...)
	w.Buf = append(w.Buf, '\r', '\n')
}

// Null says that there is nothing.
func (w *Writer) Null() {
	if w.V3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "$-1\r\n"...)
}

// NullArray says that there is no array.
func (w *Writer) NullArray() {
	if w.V3 {
		w.Buf = append(w.Buf, "_\r\n"...)
		return
	}
	w.Buf = append(w.Buf, "*-1\r\n"...)
}

// Array announces n elements.
func (w *Writer) Array(n int) { w.head('*', int64(n)) }

// Map announces n pairs: in version 2 an array of 2n elements.
func (w *Writer) Map(n int) {
	if w.V3 {
		w.head('%', int64(n))
		return
	}
	w.head('*', 2*int64(n))
}

// Set announces n different elements: in version 2 an array.
func (w *Writer) Set(n int) {
	if w.V3 {
		w.head('~', int64(n))
		return
	}
	w.head('*', int64(n))
}

// Raw appends a reply that is complete.
func (w *Writer) Raw(b []byte) { w.Buf = append(w.Buf, b...) }
