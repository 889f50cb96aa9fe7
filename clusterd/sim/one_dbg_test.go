package sim
import ("testing";"os";"strconv";"fmt";"github.com/pando-go/pando/clusterd/engine/rules")
func TestSiegeOne(t *testing.T){
	n,_ := strconv.Atoi(os.Getenv("SEED")); if n==0 {t.Skip()}
	var set rules.Set
	if w := os.Getenv("WITHOUT"); w != "" { set,_ = rules.Parse(w) }
	sc := Siege(uint64(n))
	o, err := sc.Run(Config{Without:set, Tail: 60})
	fmt.Println(o.Text); fmt.Println(err)
}
