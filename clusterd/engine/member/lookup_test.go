package member

import (
	"strings"
	"testing"
)

func view(numbers ...uint64) *View {
	v := &View{Number: 1, NextUp: 100}
	for i, n := range numbers {
		v.Members = append(v.Members, Entry{Node: Node{"h:" + string(rune('1'+i)), n}, Status: Up, UpNumber: n})
	}
	return v
}

func TestViewLookup(t *testing.T) {
	v := view(1, 2, 3)
	v.Members[2].Status = Exiting
	v.Removed = []Tombstone{{Node{"h:9", 7}, 1, CauseLeft}}
	if got := v.Find(Node{"h:2", 2}); got == nil || got.UID != 2 {
		t.Errorf("Find: got %v, want the second member", got)
	}
	if got := v.Find(Node{"h:2", 9}); got != nil {
		t.Errorf("Find of another incarnation: got %v, want none", got)
	}
	if got := v.Voters(); got != 2 {
		t.Errorf("Voters: got %d, want 2", got)
	}
	if v.Votes(Node{"h:3", 3}) {
		t.Error("Votes: an exiting member votes")
	}
	for n, want := range map[Node]bool{ // order: each entry is checked by itself
		{"h:9", 7}: true, {"h:9", 6}: true, {"h:9", 8}: false, {"h:1", 1}: false, {"h:2", 1}: true, {"h:8", 1}: false,
	} {
		if got := v.Buries(n); got != want {
			t.Errorf("Buries(%s): got %t, want %t", n, got, want)
		}
	}
}

func TestViewValidate(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(*View)
		want  string // "" = valid
	}{
		{"good", func(v *View) {}, ""},
		{"no number", func(v *View) { v.Number = 0 }, "number"},
		{"no voter", func(v *View) { v.Members = nil }, "voter"},
		{"joining member", func(v *View) { v.Members[0].Status = Joining }, "joining"},
		{"out of order", func(v *View) { v.Members[0], v.Members[1] = v.Members[1], v.Members[0] }, "order"},
		{"no UID", func(v *View) { v.Members[0].UID = 0 }, "UID"},
		{"upNumber too high", func(v *View) { v.Members[0].UpNumber = 100 }, "upNumber"},
		{"tombstone of the future", func(v *View) { v.Removed = []Tombstone{{Node{"z:1", 1}, 2, CauseLeft}} }, "removed"},
		{"tombstone of a member", func(v *View) { v.Removed = []Tombstone{{Node{"h:1", 1}, 1, CauseLeft}} }, "both"},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := view(1, 2, 3)
			c.spoil(v)
			err := v.Validate()
			if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
	if err := (*View)(nil).Validate(); err == nil {
		t.Error("a nil view is valid")
	}
}
