package store

// Match matches text with a pattern of *, ?, [a-z], [^a-z] and \ before a
// character that stands for itself. It tries at most a number of steps that
// grows with the product of both lengths.
func Match(pattern, text []byte) bool {
	star, mark := -1, 0 // of the last * and what it has swallowed
	p, t := 0, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '*' {
			star, mark = p, t
			p++
			continue
		}
		if n, ok := globOne(pattern[p:], text[t]); ok {
			p += n
			t++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}

// globOne matches one character with the head of a pattern, and returns how long
// that is.
func globOne(pattern []byte, c byte) (int, bool) {
	if len(pattern) == 0 {
		return 0, false
	}
	switch pattern[0] {
	case '?':
		return 1, true
	case '[':
		return globClass(pattern, c)
	case '\\':
		if len(pattern) > 1 {
			return 2, pattern[1] == c
		}
	}
	return 1, pattern[0] == c
}

// globClass matches with [...]; one that does not end counts to the end.
func globClass(pattern []byte, c byte) (int, bool) {
	i, not, hit := 1, false, false
	if i < len(pattern) && pattern[i] == '^' {
		not = true
		i++
	}
	for i < len(pattern) && pattern[i] != ']' {
		if pattern[i] == '\\' && i+1 < len(pattern) {
			i++
		}
		low, high := pattern[i], pattern[i]
		if i+2 < len(pattern) && pattern[i+1] == '-' {
			low, high = min(pattern[i], pattern[i+2]), max(pattern[i], pattern[i+2])
			i += 2
		}
		hit = hit || low <= c && c <= high
		i++
	}
	return min(i+1, len(pattern)), hit != not
}
