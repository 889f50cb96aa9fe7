package launcher

import (
	"slices"
	"strings"
	"testing"
)

func TestEachLineBoundsALine(t *testing.T) {
	var got []int
	EachLine(strings.NewReader(strings.Repeat("x", lineMax+5)+"\ny\r\nz"), func(l string) { got = append(got, len(l)) })
	if want := []int{lineMax, 5, 1, 1}; !slices.Equal(got, want) {
		t.Errorf("lengths = %d, want %d", got, want)
	}
}
