package sim

import (
	"errors"
	"slices"
)

// Shrink returns a shorter script that breaks the same invariant, as short as
// leaving lines out makes it. A script that breaks none comes back as it was.
func Shrink(sc Script, cfg Config) Script {
	want := broken(sc, cfg)
	if want == "" {
		return sc
	}
	for size := len(sc.lines) / 2; size > 0; {
		shorter := without(sc, size, func(s Script) bool { return broken(s, cfg) == want })
		if len(shorter.lines) == len(sc.lines) {
			size /= 2
		}
		sc = shorter
	}
	return sc
}

// without leaves out blocks of size lines, from the end on, as long as fails says so.
func without(sc Script, size int, fails func(Script) bool) Script {
	for at := len(sc.lines) - size; at >= 0; at -= size {
		shorter := Script{slices.Delete(slices.Clone(sc.lines), at, at+size)}
		if fails(shorter) {
			sc = shorter
		}
		at = min(at, len(sc.lines))
	}
	return sc
}

// broken returns the name of the invariant that the script breaks, "" if none.
func broken(sc Script, cfg Config) string {
	var f *Failure
	if _, err := sc.Run(cfg); errors.As(err, &f) {
		return f.Invariant
	}
	return ""
}
