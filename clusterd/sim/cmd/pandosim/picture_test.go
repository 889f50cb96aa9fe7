package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"regexp"
	"strings"
	"testing"

	"github.com/pando-go/pando/clusterd/sim"
)

// examplePage is a page with a real replay and made-up figures.
func examplePage(t *testing.T) string {
	t.Helper()
	p := page{
		Title:  "cuts & <heals>",
		Spread: []spread{{Nodes: 5, Fanout: 2, Rounds: 1.5, Messages: 31}, {Nodes: 50, Fanout: 2, Rounds: 3.5, Messages: 310}},
		Rest:   []resting{{Nodes: 5, Messages: 16.5, Bytes: 1234}},
	}
	if err := (options{seed: 3, nodes: 3}).replay(&p, sim.Config{}); err != nil {
		t.Fatal(err)
	}
	p.Frames = append(p.Frames, frame{Text: "</script>"})
	var out bytes.Buffer
	if err := p.write(&out); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestPageIsWellFormed(t *testing.T) {
	d := xml.NewDecoder(strings.NewReader(examplePage(t)))
	for {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
	}
}

func TestPageNeedsNothingElse(t *testing.T) {
	if found := regexp.MustCompile(`(?i)https?:|\ssrc\s*=|\shref\s*=|@import|url\(|//[a-z]+\.`).FindString(examplePage(t)); found != "" {
		t.Errorf("the page refers to something outside: %q", found)
	}
}

func TestPageHasTheData(t *testing.T) {
	text := examplePage(t)
	_, rest, _ := strings.Cut(text, "const data = ")
	line, _, found := strings.Cut(rest, ";\n")
	var data struct {
		Spread []spread  `json:"spread"`
		Rest   []resting `json:"rest"`
		Frames []frame   `json:"frames"`
	}
	if err := json.Unmarshal([]byte(line), &data); !found || err != nil {
		t.Fatalf("the data cannot be read: %v", err)
	}
	if len(data.Spread) != 2 || data.Spread[1].Messages != 310 || len(data.Rest) != 1 {
		t.Errorf("got %v and %v, want the figures", data.Spread, data.Rest)
	}
	rows, last := map[int]string{}, int64(0)
	for _, f := range data.Frames[:len(data.Frames)-1] {
		if f.At < last {
			t.Fatalf("frame at %d ms after one at %d ms", f.At, last)
		}
		last = f.At
		if f.Node != 0 {
			rows[f.Node] = f.Row
		}
	}
	if len(rows) != 3 {
		t.Errorf("the replay is of %d nodes, want 3", len(rows))
	}
	for _, want := range []string{"<td>310</td>", "<td>1234</td>", "cuts &amp; &lt;heals&gt;", "seed 3"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}
