package main

import (
	"slices"

	"github.com/pando-go/pando/examples/chat/chatpb"
)

// What a room keeps: always replayLines, and as many more as fit, for sessions
// that missed some.
const (
	replayLines  = 100
	historyLines = 1000
	historyBytes = 256 << 10
)

// history is the newest lines of a room or of a session, by growing seq.
type history struct {
	lines []*chatpb.Line
	bytes int
	limit int // lines; 0 = historyLines
}

// add appends a line that is newer than all others, and drops the oldest ones
// that are too many.
func (h *history) add(l *chatpb.Line) {
	h.lines = append(h.lines, l)
	h.bytes += size(l)
	limit := h.limit
	if limit == 0 {
		limit = historyLines
	}
	drop := 0
	for n := len(h.lines); n-drop > limit || h.bytes > historyBytes && n-drop > replayLines; drop++ {
		h.bytes -= size(h.lines[drop])
		h.lines[drop] = nil // the array lives on
	}
	h.lines = h.lines[drop:]
}

// reset replaces all lines. They must be sorted by seq.
func (h *history) reset(lines []*chatpb.Line) {
	h.lines, h.bytes = nil, 0
	for _, l := range lines {
		h.add(l)
	}
}

// merge adds the lines whose seq is not there yet.
func (h *history) merge(lines []*chatpb.Line) {
	all := slices.Concat(h.lines, lines)
	slices.SortStableFunc(all, func(a, b *chatpb.Line) int { return compareSeq(a, b.GetSeq()) })
	h.reset(slices.CompactFunc(all, func(a, b *chatpb.Line) bool { return a.GetSeq() == b.GetSeq() }))
}

// after returns the lines whose seq is greater, never nil entries, shared with h.
func (h *history) after(seq uint64) []*chatpb.Line {
	i, _ := slices.BinarySearchFunc(h.lines, seq+1, compareSeq)
	return slices.Clone(h.lines[i:])
}

// oldest returns the seq of the first line, 0 if there is none.
func (h *history) oldest() uint64 {
	if len(h.lines) == 0 {
		return 0
	}
	return h.lines[0].GetSeq()
}

// newest returns the last n lines or as many as there are.
func (h *history) newest(n int) []*chatpb.Line {
	return slices.Clone(h.lines[max(0, len(h.lines)-n):])
}

func compareSeq(l *chatpb.Line, seq uint64) int {
	switch {
	case l.GetSeq() < seq:
		return -1
	case l.GetSeq() > seq:
		return 1
	}
	return 0
}

// size is about what a line takes on the wire.
func size(l *chatpb.Line) int { return len(l.GetText()) + len(l.GetUser()) + len(l.GetAuthor()) + 32 }
