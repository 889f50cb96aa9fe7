// Package trial puts durable entities on trial with real processes: it starts a
// cluster of them on this machine, kills them, and checks by porcupine that what
// clients saw meanwhile is linearizable. The commands beside it print what they
// measure; tests run them with small numbers.
package trial
