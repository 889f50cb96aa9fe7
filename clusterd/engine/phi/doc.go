// Package phi is the accrual failure detector: how sure one node is, from the
// times at which another one answered, that no answer will come any more.
//
//	d := phi.New(phi.Config{Interval: 250 * time.Millisecond})
//	d.Heard(now)                // an answer came
//	if d.Suspect(now) { … }     // it should have come by now
//
// A [Detector] belongs to one observed node. It keeps the intervals between
// the last answers and their mean and deviation; φ is −log₁₀ of the chance
// that an answer comes later than this (Hayashibara et al., "The φ accrual
// failure detector", SRDS 2004). So a link whose answers come irregularly is
// given more time than one whose answers are punctual.
//
// [Attention] is the observer's own clock: it stands still while the observer
// does. A node that was stopped, starved or collecting garbage has heard
// nobody, which says nothing about the others. Give a Detector times of that
// clock rather than of the wall.
//
// Both are plain values for one goroutine and read no clock.
//
// Not promised: that a suspect is dead. Accusing is for package reach, where
// several observers must agree.
package phi
