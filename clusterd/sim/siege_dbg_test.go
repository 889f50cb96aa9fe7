package sim
import ("testing";"os";"strconv";"fmt";"errors";"github.com/pando-go/pando/clusterd/engine/rules";"time")
func TestSiegeSearch(t *testing.T){
	n,_ := strconv.Atoi(os.Getenv("N")); if n==0 {t.Skip()}
	from,_ := strconv.Atoi(os.Getenv("FROM"))
	var set rules.Set
	if w := os.Getenv("WITHOUT"); w != "" { set,_ = rules.Parse(w) }
	start := time.Now()
	fails := map[string]int{}
	shown := 0
	for seed := from; seed < from+n; seed++ {
		sc := Siege(uint64(seed))
		_, err := sc.Run(Config{Without:set})
		if err != nil {
			var f *Failure
			if errors.As(err,&f) { fails[f.Invariant]++; if shown < 5 { shown++; fmt.Println(seed, f.Invariant, f.Detail) } } else { t.Fatal(err) }
		}
	}
	fmt.Println(os.Getenv("WITHOUT"), n, fails, time.Since(start))
}
