package main

import (
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	text := "Cluster has 3 master nodes:\n\nMaster 0: x 127.0.0.1:7001\n\"test\",\"rps\",\"avg_latency_ms\",\"min_latency_ms\",\"p50_latency_ms\",\"p95_latency_ms\",\"p99_latency_ms\",\"max_latency_ms\"\r\n" +
		"\"SET\",\"2752.39\",\"17.759\",\"0.304\",\"7.319\",\"67.135\",\"179.071\",\"651.775\"\n"
	got := parse(text)
	if want := (result{rate: 2752.39, p50: 7.319, p99: 179.071}); len(got) != 1 || got["SET"] != want {
		t.Errorf("got %v, want SET %v", got, want)
	}
	var b strings.Builder
	report(&b, []contestant{{name: "a"}, {name: "b"}}, map[string]map[row]result{
		"a": {{"SET", 1}: {100, 1, 2, 10}}, "b": {{"SET", 1}: {50, 1, 2, 30}},
	})
	if !strings.Contains(b.String(), "| b | SET | 1 | 50 | 1.00 | 2.00 | 0.50 | 30.0 | 3.00 |") {
		t.Errorf("got %s", &b)
	}
}
