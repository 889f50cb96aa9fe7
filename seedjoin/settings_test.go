package seedjoin

import "testing"

func TestCompare(t *testing.T) {
	one := func(key, value string, r Rule) []Setting { return []Setting{{key, value, r}} }
	pairs := func(kv ...string) (ps []Setting) {
		for i := 0; i < len(kv); i += 2 {
			ps = append(ps, Setting{Key: kv[i], Value: kv[i+1]})
		}
		return ps
	}
	cases := []struct {
		name            string
		joiner, cluster []Setting
		faults, notes   string
	}{
		{"both empty", nil, nil, "", ""},
		{"equal", pairs("a", "1", "b", "2"), pairs("a", "1", "b", "2"), "", ""},
		{"value", pairs("a", "1"), pairs("a", "2"), `a is "1" here and "2" in the cluster`, ""},
		{"only joiner", pairs("a", "1"), nil, `a is "1" here and not set in the cluster`, ""},
		{"only cluster", nil, pairs("a", "1"), `a is not set here and "1" in the cluster`, ""},
		{"interleaved", pairs("a", "1", "c", "3"), pairs("b", "2", "c", "4"),
			`a is "1" here and not set in the cluster; b is not set here and "2" in the cluster; c is "3" here and "4" in the cluster`, ""},
		{"may miss: only joiner", one("a", "1", MayMiss), nil, "", ""},
		{"may miss: only cluster", nil, one("a", "1", MayMiss), "", ""},
		{"may miss: value", one("a", "1", MayMiss), one("a", "2", MayMiss), `a is "1" here and "2" in the cluster`, ""},
		{"may differ", one("a", "1", MayDiffer), one("a", "2", MayDiffer), "", `a is "1" here and "2" in the cluster`},
		{"may differ: only cluster", nil, one("a", "2", MayDiffer), "", `a is not set here and "2" in the cluster`},
		{"the stricter rule", one("a", "1", MayDiffer), one("a", "2", MustMatch), `a is "1" here and "2" in the cluster`, ""},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			faults, notes := compare(tc.joiner, tc.cluster)
			if faults != tc.faults || notes != tc.notes {
				t.Errorf("got %q and %q, want %q and %q", faults, notes, tc.faults, tc.notes)
			}
		})
	}
}
