package sim
import ("testing";"os";"fmt";"errors";"strings";"math/rand/v2";"github.com/pando-go/pando/clusterd/engine/rules")
func stories(kind string, r *rand.Rand, seed int) string {
	var b strings.Builder
	w := func(f string, a ...any){ fmt.Fprintf(&b, f+"\n", a...) }
	w("seed %d", seed)
	w("timing fast")
	switch kind {
	case "V4-base":
		w("seeds n1 n2"); w("start n1 n2 n3"); w("settle 10s")
		w("cut n1 | n3"); w("run 5s"); w("down n2 at n1"); w("run 20ms"); w("down n3 at n1"); w("run 50ms")
	case "L2-newer", "L3-later":
		w("seeds n1"); w("start n1"); w("settle 5s"); w("start n2 n3"); w("settle 10s")
		w("links 5ms to 40ms")
		w("start n4 n5 n6"); w("run %dms", 50+r.IntN(900)); w("cut n1 n4 n5 n6 | n2 n3"); w("run 8s")
	case "L2-removed":
		w("seeds n1 n2"); w("start n1 n2 n3 n4 n5"); w("settle 10s")
		w("links 20ms to 40ms"); w("cut n2 > n1"); w("run %dms", 100+r.IntN(200))
		w("down n1 at n2"); w("run %dms", 1+r.IntN(25)); w("down n5 at n1"); w("run %dms", 1+r.IntN(10)); w("down n1 at n3"); w("run 3s")
	}
	return b.String()
}
func TestStorySearch(t *testing.T){
	kind := os.Getenv("KIND"); if kind=="" {t.Skip()}
	set,err := rules.Parse(kind); if err!=nil {t.Fatal(err)}
	fails := map[string]int{}; shown := 0; base := map[string]int{}
	for seed := 1; seed <= 600; seed++ {
		r := rand.New(rand.NewPCG(uint64(seed),5))
		text := stories(kind, r, seed)
		_, err := ParseScript(text).Run(Config{Without:set})
		var f *Failure
		if errors.As(err,&f) { fails[f.Invariant]++; if shown < 2 && (f.Invariant=="I3"||f.Invariant=="I1") { shown++; fmt.Println(text, f.Invariant, f.Detail) } } else if err != nil {t.Fatal(err)}
		_, err = ParseScript(text).Run(Config{})
		if errors.As(err,&f) { base[f.Invariant]++; fmt.Println("BASE", text, f.Invariant, f.Detail)}
	}
	fmt.Println(kind, fails, "base", base)
}
