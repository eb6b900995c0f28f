// Package netdraw draws scale-permuted networks as SVG, as the paper of SpineNet does (arXiv 1912.05027, figures 2 and 4): levels upwards, blocks from left to
// right in their order, a line from each parent to its child.
package netdraw

import (
	"bufio"
	"fmt"
	"html"
	"io"
	"slices"

	"github.com/spinemask/spinemask/config"
)

// Units of the drawing.
const (
	column, row   = 58, 74 // distance of blocks, of levels
	left, top     = 70, 60 // of the first block's centre and the highest level
	width, height = 34, 30 // of a block
	under         = 76     // below the lowest level
	bend          = 0.6    // of the way to a child that a line leaves its parent horizontally
)

// colours of the levels from 1 on; a line has its parent's.
var colours = []string{"#8c6d31", "#4c72b0", "#2a9d8f", "#e09f3e", "#c44e52", "#8172b3", "#64707d"}

// node is a feature of the network.
type node struct {
	level  int
	kind   config.BlockKind
	output bool
	stem   bool
	in     []int
	joined int // the first so many of in are the table's parents; the others join because nobody else uses them
	uses   int
}

// nodes are the features of a table in their order.
func nodes(t *config.BlockTable) []node {
	stem := config.BlockBottleneck
	if slices.ContainsFunc(t.Blocks, func(b config.Block) bool { return b.Kind == config.BlockInverted }) {
		stem = config.BlockInverted
	}
	var list []node
	for i, level := range t.Stem {
		n := node{level: level, kind: stem, stem: true}
		if i > 0 {
			n.in, n.joined = []int{i - 1}, 1
			list[i-1].uses++
		}
		list = append(list, n)
	}
	for _, b := range t.Blocks {
		n := node{level: b.Level, kind: b.Kind, output: b.Output, in: b.In[:], joined: len(b.In)}
		for _, p := range b.In {
			list[p].uses++
		}
		for j := range list {
			// The rule of backbone.Build: a block that nobody has used joins an output of its size and width.
			if p := &list[j]; b.Output && p.uses == 0 && p.level == b.Level && p.kind == b.Kind {
				n.in = append(slices.Clip(n.in), j)
				p.uses++
			}
		}
		list = append(list, n)
	}
	return list
}

// Draw writes the picture of a table, under a title. Blocks are numbered as features are; the stem's are grey, outputs have a thick red border, and
// dashed lines come from blocks that nobody else uses.
func Draw(w io.Writer, t *config.BlockTable, title string) error {
	list := nodes(t)
	low, high := list[0].level, list[0].level
	for _, n := range list {
		low, high = min(low, n.level), max(high, n.level)
	}
	at := func(i int) (x, y int) { return left + i*column, top + (high-list[i].level)*row }
	out := bufio.NewWriter(w)
	wide, tall := left+len(list)*column, top+(high-low)*row+under
	fmt.Fprintf(out, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %[1]d %[2]d" font-family="sans-serif" font-size="12">`+"\n", wide, tall)
	fmt.Fprintf(out, `<rect width="%d" height="%d" fill="#ffffff"/>`+"\n", wide, tall)
	fmt.Fprintf(out, `<text x="14" y="24" font-size="15">%s</text>`+"\n", html.EscapeString(title))
	for l := low; l <= high; l++ {
		y := top + (high-l)*row
		fmt.Fprintf(out, `<line x1="40" y1="%d" x2="%d" y2="%d" stroke="#e4e4e4"/><text x="14" y="%d" fill="#555555">L%d</text>`+"\n", y, wide-12, y, y+4, l)
	}
	for i, n := range list {
		for k, p := range n.in {
			x1, y1 := at(p)
			x2, y2 := at(i)
			x1, x2 = x1+width/2, x2-width/2
			dash := ""
			if k >= n.joined {
				dash = ` stroke-dasharray="4 3"`
			}
			reach := max(8, int(bend*float64(x2-x1)))
			if y1 == y2 && i-p > 1 { // around the blocks between
				fmt.Fprintf(out, `<path d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="%s" stroke-width="1.6" opacity="0.8"%s/>`+"\n",
					x1, y1-4, x1+reach/3, y1-row/2-4, x2-reach/3, y2-row/2-4, x2, y2-4, colour(list[p].level), dash)
				continue
			}
			fmt.Fprintf(out, `<path d="M%d %d C%d %d %d %d %d %d" fill="none" stroke="%s" stroke-width="1.6" opacity="0.8"%s/>`+"\n",
				x1, y1, x1+reach, y1, x2-reach, y2, x2, y2, colour(list[p].level), dash)
		}
	}
	for i, n := range list {
		x, y := at(i)
		fill, border, thick := colour(n.level), "#333333", 1
		if n.stem {
			fill = "#b8b8b8"
		}
		if n.output {
			border, thick = "#d00000", 3
		}
		if n.kind == config.BlockResidual {
			fmt.Fprintf(out, `<path d="M%d %d l%d %d l%d %d l%d %d z"`, x-width/2-3, y, width/2+3, -height/2-3, width/2+3, height/2+3, -width/2-3, height/2+3)
		} else {
			fmt.Fprintf(out, `<rect x="%d" y="%d" width="%d" height="%d" rx="3"`, x-width/2, y-height/2, width, height)
		}
		fmt.Fprintf(out, ` fill="%s" stroke="%s" stroke-width="%d"/><text x="%d" y="%d" text-anchor="middle" fill="#ffffff">%d</text>`+"\n", fill, border, thick, x, y+4, i)
	}
	fmt.Fprintf(out, `<text x="14" y="%d" fill="#555555">grey: stem · diamond: residual block · red border: output · dashed: joins because no other block uses it</text>`+"\n", tall-18)
	fmt.Fprintln(out, "</svg>")
	return out.Flush()
}

func colour(level int) string { return colours[min(max(level-1, 0), len(colours)-1)] }
