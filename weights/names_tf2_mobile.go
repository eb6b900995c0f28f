package weights

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/spinemask/spinemask/config"
)

var (
	tf2Inverted = regexp.MustCompile(`^(?:.*/)?inverted_bottleneck_block(?:_(\d{1,9}))?$`)
	tf2Mobile   = regexp.MustCompile(`^(?:.*/)?(conv2d|depthwise_conv2d|(?:sync_)?batch_normalization)(?:_(\d{1,9}))?$`)
)

// tf2MobileBackbone gives each layer of a mobile SpineNet its place
// (official/vision/modeling/backbones/spinenet_mobile.py); ok is false for another backbone.
func tf2MobileBackbone(layers map[string][]Tensor, levels []int) (places map[string]string, ok bool) {
	const convolution, depthwise, norm = 0, 1, 2
	var outside [3]made
	var blocks made
	inside := map[string]*[4]made{} // block → its layers of each kind; last, the convolutions of squeeze and excitation
	for name := range layers {
		m := tf2Mobile.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		l, kind := madeLayer{name: name, number: index(m[2])}, norm
		switch m[1] {
		case "conv2d":
			kind = convolution
		case "depthwise_conv2d":
			kind = depthwise
		}
		block := path.Dir(name)
		if strings.HasPrefix(path.Base(block), "squeeze_excitation") {
			block, kind = path.Dir(block), 3
		}
		b := tf2Inverted.FindStringSubmatch(block)
		if b == nil {
			if kind < 3 {
				outside[kind] = append(outside[kind], l)
			}
			continue
		}
		if inside[block] == nil {
			inside[block] = new([4]made)
			blocks = append(blocks, madeLayer{name: block, number: index(b[1])})
		}
		inside[block][kind] = append(inside[block][kind], l)
	}
	if len(blocks) == 0 {
		return nil, false
	}
	places = map[string]string{}
	put := func(layers made, order []string) {
		for i, l := range layers.inOrder() {
			if i < len(order) {
				places[l.name] = order[i]
			}
		}
	}
	units, convs, depths, norms := tf2MobileOrder(levels, len(outside[convolution]))
	put(outside[convolution], convs)
	put(outside[depthwise], depths)
	put(outside[norm], norms)
	for i, block := range blocks.inOrder() {
		if i == len(units) {
			break
		}
		in := func(names ...string) []string {
			for k := range names {
				names[k] = units[i] + "/" + names[k]
			}
			return names
		}
		parts := inside[block.name]
		linear, all := []string{"conv0", "conv2"}, []string{"conv0", "conv1", "conv2"}
		if len(parts[convolution]) == 1 { // nothing is expanded
			linear, all = linear[1:], all[1:]
		}
		put(parts[convolution], in(linear...))
		put(parts[depthwise], in("conv1"))
		put(parts[norm], in(all...))
		put(parts[3], in("squeeze", "excite"))
	}
	return places, true
}

// tf2MobileOrder names the blocks and the layers outside of them in the order of creation. There are so many
// convolutions; the last are those of the endpoints, from the lowest level on.
func tf2MobileOrder(levels []int, convolutions int) (units, convs, depths, norms []string) {
	table := (&config.Backbone{BlockTable: "spinenet_mobile"}).Table()
	features := append([]int{}, table.Stem...)
	for i := range table.Stem {
		units = append(units, fmt.Sprintf("backbone/stem/group%d/unit0", i))
	}
	convs = append(convs, "backbone/stem/conv")
	norms = append(norms, convs...)
	for i, blk := range table.Blocks {
		for j, in := range blk.In {
			place := fmt.Sprintf("backbone/block%02d/resample%d", i, j)
			for l := features[in]; l < blk.Level; l++ {
				depths = append(depths, fmt.Sprintf("%s/depthwise%d", place, l-features[in]))
				norms = append(norms, depths[len(depths)-1])
			}
			convs = append(convs, place+"/conv")
			norms = append(norms, place+"/conv")
		}
		units = append(units, fmt.Sprintf("backbone/block%02d/unit0", i))
		features = append(features, blk.Level)
	}
	first := 3
	if len(levels) > 0 {
		first = levels[0]
	}
	for l := first; len(convs) < convolutions; l++ {
		convs = append(convs, fmt.Sprintf("backbone/endpoint%d", l))
		norms = append(norms, convs[len(convs)-1])
	}
	return units, convs, depths, norms
}
