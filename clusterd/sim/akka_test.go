package sim

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pando-go/pando/clusterd/engine"
)

// akkaRows reads a table of docs/: by row, what shows it.
func akkaRows(t *testing.T, file, section string) map[string]string {
	t.Helper()
	page, err := os.ReadFile(filepath.Join("../../docs", file))
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(page), "\n## "+section+"\n")
	if !found {
		t.Fatalf("docs/%s has no section %q", file, section)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| (e?\d+) \| [^|]+ \| ([^|]+) \|$`).FindAllStringSubmatch(text, -1) {
		if rows[m[1]] != "" {
			t.Errorf("row %s stands twice", m[1])
		}
		rows[m[1]] = m[2]
	}
	return rows
}

// TestAkkaTable holds that every row of the table names a script or test that
// exists, or says why there is none.
func TestAkkaTable(t *testing.T) {
	rows := akkaRows(t, "membership.md", "Akka's scenarios")
	for i := 1; i <= 54; i++ {
		checkRow(t, fmt.Sprint(i), rows)
	}
	for i := 1; i <= 16; i++ {
		checkRow(t, fmt.Sprintf("e%d", i), rows)
	}
	if len(rows) != 70 {
		t.Errorf("got %d rows, want 54 and 16", len(rows))
	}
}

// TestAkkaTableOfNodes is the same for what running nodes show.
func TestAkkaTableOfNodes(t *testing.T) {
	rows := akkaRows(t, "partitions.md", "Akka's scenarios on running nodes")
	want := []string{"5", "13", "15", "18", "36", "37", "56", "64", "65"}
	for i := 47; i <= 54; i++ {
		want = append(want, fmt.Sprint(i))
	}
	for _, row := range want {
		checkRow(t, row, rows)
	}
}

func checkRow(t *testing.T, row string, rows map[string]string) {
	t.Helper()
	shown, ok := rows[row]
	if !ok {
		t.Errorf("row %s is missing", row)
		return
	}
	names := regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(shown, -1)
	if len(names) == 0 && !strings.HasPrefix(shown, "not concerned: ") && !strings.HasPrefix(shown, "later: ") {
		t.Errorf("row %s names no test and gives no reason: %s", row, shown)
	}
	for _, m := range names {
		if m[1] != "pandosim -n" && !exists(t, m[1]) {
			t.Errorf("row %s: there is no %s", row, m[1])
		}
	}
}

// exists reports whether a script, or a test given as "folder TestName", is there.
func exists(t *testing.T, name string) bool {
	t.Helper()
	folder, test, isTest := strings.Cut(name, " ")
	if !isTest {
		_, err := os.Stat(filepath.Join("testdata", name))
		return err == nil
	}
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+test+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// TestChurnLeavesNothing is row 34: five rounds of six short-lived nodes leave no
// more behind than one tombstone for each address.
func TestChurnLeavesNothing(t *testing.T) {
	s := grove(t, Config{Seed: 34, Timing: engine.Fast()}, 3)
	for range 5 {
		for id := 4; id <= 9; id++ {
			s.Start(id)
		}
		churn(t, s)
		for id := 4; id <= 9; id += 2 {
			s.Crash(id)
			if err := s.Leave(id + 1); err != nil {
				t.Fatal(err)
			}
		}
		churn(t, s)
	}
	machine := s.node(1).machine.(interface{ Inspect() engine.Inspection })
	in := machine.Inspect()
	if got, want := len(in.Decided.Removed), 6; got != want {
		t.Errorf("the view lists %d removed members, want %d, one an address", got, want)
	}
	if got, want := len(in.Records), 9; got != want {
		t.Errorf("the table has %d records, want %d, one an address", got, want)
	}
}

func churn(t *testing.T, s *Sim) {
	t.Helper()
	if !s.Settle(time.Minute) {
		t.Fatalf("not calm: %s, %v", s.Amiss(), s.Err())
	}
}
