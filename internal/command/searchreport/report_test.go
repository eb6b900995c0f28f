package searchreport

import (
	"bytes"
	"encoding/xml"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
	"github.com/spinemask/spinemask/internal/command/trials"
	"github.com/spinemask/spinemask/internal/core/page"
	"github.com/spinemask/spinemask/search/proxy"
)

// tried are architectures of two blocks: a level, a type, and whether the output is fed by the block before it or by the stem alone.
func tried(i, level int, kind config.BlockKind, parent int, ap float64, macs int64) trials.Trial {
	return trials.Trial{Index: i, MACs: macs, Score: &proxy.Score{AP: ap}, Table: &config.BlockTable{Stem: []int{2, 2}, Blocks: []config.Block{
		{Level: level, Kind: kind, In: [2]int{0, 1}}, {Level: 3, Kind: config.BlockBottleneck, In: [2]int{1, parent}, Output: true},
	}}}
}

var list = []trials.Trial{
	tried(0, 4, config.BlockResidual, 0, 0.10, 9e9), tried(1, 4, config.BlockResidual, 2, 0.30, 7e9),
	tried(2, 5, config.BlockBottleneck, 2, 0.30, 8e9), tried(3, 4, config.BlockResidual, 0, 0.05, 5e9),
}

func TestBestAndFront(t *testing.T) {
	var order []int
	for _, tr := range Best(list) {
		order = append(order, tr.Index)
	}
	require.Equal(t, []int{1, 2, 0, 3}, order, "of equal ones the earlier is the better")
	require.Equal(t, 0, list[0].Index, "the list stays as it is")
	c := costs(list)
	require.Equal(t, []float64{5, 7, 8, 9}, c.Lines[0].X)
	require.Equal(t, page.Line{Name: "better than all that cost less", X: []float64{5, 7}, Y: []float64{0.05, 0.3}}, c.Lines[1])
	require.Equal(t, []float64{0.1, 0.3, 0.3, 0.3}, scores(list).Lines[1].Y)
}

func TestSharesOfOptions(t *testing.T) {
	find := func(where, what string) option {
		for _, o := range options(list[1:2], list) {
			if o.Where == where && o.What == what {
				return o
			}
		}
		require.Failf(t, "no option", "%s: %s", where, what)
		return option{}
	}
	o := find(between, "level 4")
	require.Equal(t, []string{"100", "75", "+25"}, []string{o.GoodShare(), o.AllShare(), o.Difference()})
	o = find(between, "bottleneck block")
	require.Equal(t, []string{"0", "25", "-25"}, []string{o.GoodShare(), o.AllShare(), o.Difference()})
	o = find("output of level 3", "fed by 2")
	require.Equal(t, []string{"100", "50", "+50"}, []string{o.GoodShare(), o.AllShare(), o.Difference()}) // of blocks
	o = find("output of level 3", "fed by 1")
	require.Equal(t, []string{"100", "100", "+0"}, []string{o.GoodShare(), o.AllShare(), o.Difference()})
	o = find(outputs, "fed from a level above") // of connections: the block of level 4 in number 2
	require.Equal(t, []string{"50", "12", "+38"}, []string{o.GoodShare(), o.AllShare(), o.Difference()})
	find("block 2", "residual block")
}

func TestPage(t *testing.T) {
	var b bytes.Buffer
	r := Report{Name: "a<b", Trials: list, Made: []page.Fact{{Name: "data", Value: "R&D"}}}
	require.NoError(t, r.Write(&b))
	text := b.String()
	for _, want := range []string{"a&lt;b", "R&amp;D", "<circle", "<polyline", "number 2: AP 0.300, 0.0 M parameters, 7.0 G multiply-adds", "--accent"} {
		require.Contains(t, text, want)
	}
	require.Equal(t, shown, strings.Count(text, `<figure class="wiring">`))
	require.NotContains(t, text, "ZgotmplZ")
	d, err := draw(list[0])
	require.NoError(t, err)
	require.NoError(t, xml.Unmarshal([]byte(d.SVG), new(struct{})))

	b.Reset()
	require.NoError(t, (&Report{Name: "empty"}).Write(&b))
	require.Contains(t, b.String(), "<b>0</b>architectures tried")
}
