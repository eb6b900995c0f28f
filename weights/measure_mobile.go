package weights

import (
	"fmt"

	"github.com/spinemask/spinemask/config"
)

// mobile measures a mobile SpineNet with the named block table that c has.
func (m *measurer) mobile(b *config.Backbone) {
	_, stem := m.conv("backbone/stem/conv")
	widths := []truncation{{8, stem}} // levels 0, then below those of the blocks: Garden spinenet_mobile.py, FILTER_SIZE_MAP
	unscaled := map[int]int{1: 16, 2: 24, 3: 40, 4: 80, 5: 112, 6: 112, 7: 112}
	squeezed := []truncation{}
	unit := func(place string, level int) {
		expanded, out := m.conv("%s/conv2", place)
		in := expanded
		if m.has("%s/conv0/kernel", place) {
			in, expanded = m.conv("%s/conv0", place)
		}
		widths = append(widths, truncation{unscaled[level], out})
		b.Expansion = max(1, expanded/in)
		// One channel is what is left of less, too.
		if _, n := m.conv("%s/squeeze", place); n > 1 {
			squeezed = append(squeezed, truncation{in, n})
		}
	}
	table := b.Table()
	for i, level := range table.Stem {
		unit(fmt.Sprintf("backbone/stem/group%d/unit0", i), level)
	}
	for i, blk := range table.Blocks {
		unit(fmt.Sprintf("backbone/block%02d/unit0", i), blk.Level)
	}
	var ok bool
	if b.FilterScale, ok = factor(widths); !ok {
		m.problem("backbone: block widths from %d to %d are not those of any filter scale", stem, widths[len(widths)-1].width)
	}
	if ratio, ok := factor(squeezed); len(squeezed) > 0 {
		if b.SqueezeRatio = ratio; !ok {
			m.problem("backbone: the widths of the squeezes are not those of any ratio")
		}
	}
	m.endpoints(b)
}
