package searchreport

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/trials"
)

// An option is a choice, and how often it was made.
type option struct {
	Where, What string
	Good, All   int // how often
	OfGood      int // of so many
	OfAll       int
}

func (o option) GoodShare() string { return share(o.Good, o.OfGood) }
func (o option) AllShare() string  { return share(o.All, o.OfAll) }
func (o option) Difference() string {
	return fmt.Sprintf("%+.0f", 100*(float64(o.Good)/float64(o.OfGood)-float64(o.All)/float64(o.OfAll)))
}

func share(n, of int) string { return fmt.Sprintf("%.0f", 100*float64(n)/float64(of)) }

// deviations is how many standard deviations the share of the good ones lies from that of all, were they drawn at random.
func (o option) deviations() float64 {
	p := float64(o.All) / float64(o.OfAll)
	if p == 0 || p == 1 {
		return 0
	}
	return math.Abs(float64(o.Good)/float64(o.OfGood)-p) / math.Sqrt(p*(1-p)/float64(o.OfGood))
}

// places is how many choices of single places are shown, those that differ most.
const places = 20

// Choices that are counted over many blocks.
const (
	between = "blocks between stem and outputs"
	outputs = "output blocks"
)

// options compares how often choices were made in the good architectures and in all.
func options(good, all []trials.Trial) []option {
	many, single := count(all)
	goodMany, goodSingle := count(good)
	list := slices.Clone(many.list(goodMany))
	slices.SortFunc(list, func(a, b option) int { return cmp.Or(cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What)) })
	at := single.list(goodSingle)
	slices.SortFunc(at, func(a, b option) int {
		return cmp.Or(cmp.Compare(b.deviations(), a.deviations()), cmp.Compare(a.Where, b.Where), cmp.Compare(a.What, b.What))
	})
	return append(list, at[:min(places, len(at))]...)
}

// A tally counts choices.
type tally struct {
	made map[[2]string]int // where and what
	of   map[[2]string]int // where, and the kind of choice
	kind map[[2]string]string
}

func newTally() tally {
	return tally{map[[2]string]int{}, map[[2]string]int{}, map[[2]string]string{}}
}

// add counts a decision and what was chosen, which may be several things at once: the parents of a block.
func (t tally) add(where, kind string, chosen ...string) {
	t.of[[2]string{where, kind}]++
	for _, what := range chosen {
		t.made[[2]string{where, what}]++
		t.kind[[2]string{where, what}] = kind
	}
}

// list joins the tally of all with that of the good ones.
func (t tally) list(good tally) (list []option) {
	for key, n := range t.made {
		of := [2]string{key[0], t.kind[key]}
		list = append(list, option{key[0], key[1], good.made[key], n, good.of[of], t.of[of]})
	}
	return list
}

// count counts the choices over blocks of a sort, and those of each place. A place is the number of the feature, as in the picture.
func count(list []trials.Trial) (many, single tally) {
	many, single = newTally(), newTally()
	for _, t := range list {
		levels := slices.Clone(t.Table.Stem)
		for _, b := range t.Table.Blocks {
			place := len(levels)
			level, kind := fmt.Sprintf("level %d", b.Level), kindName(b.Kind)
			parents := []string{fmt.Sprintf("fed by %d", b.In[0]), fmt.Sprintf("fed by %d", b.In[1])}
			if b.Output {
				// Their order is free, so that their level is their name.
				where := fmt.Sprintf("output of level %d", b.Level)
				many.add(outputs, "type", kind)
				single.add(where, "type", kind)
				single.add(where, "parent", parents...)
				for _, in := range b.In {
					many.add(outputs, "parent", fmt.Sprintf("fed from %s", apart(levels[in]-b.Level)))
				}
			} else {
				where := fmt.Sprintf("block %d", place)
				many.add(between, "level", level)
				many.add(between, "type", kind)
				single.add(where, "level", level)
				single.add(where, "type", kind)
				single.add(where, "parent", parents...)
				for _, in := range b.In {
					many.add(between, "parent", fmt.Sprintf("fed from %s", apart(levels[in]-b.Level)))
					many.add(between, "reach", fmt.Sprintf("fed from %d back", place-in))
				}
			}
			levels = append(levels, b.Level)
		}
	}
	return many, single
}

func kindName(k config.BlockKind) string { return string(k) + " block" }

// apart says how far the level of a parent lies from its child's.
func apart(d int) string {
	switch {
	case d == -1:
		return "a level below"
	case d == 1:
		return "a level above"
	case d < 0:
		return fmt.Sprintf("%d levels below", -d)
	case d > 0:
		return fmt.Sprintf("%d levels above", d)
	}
	return "the same level"
}
