package config

import (
	"fmt"
	"maps"
	"slices"
)

// BlockKind is the type of a scale-permuted block.
type BlockKind string

const (
	BlockBottleneck BlockKind = "bottleneck" // 1×1, 3×3, 1×1; makes four times its width
	BlockResidual   BlockKind = "residual"   // 3×3, 3×3; makes its width
	BlockInverted   BlockKind = "inverted"   // mobile: 1×1 to a multiple of its width, 3×3 of each channel, a gate, 1×1; makes its width
)

// Block is one scale-permuted block. A level l is 2^l times smaller than the input.
type Block struct {
	Level  int       `json:"level"`
	Kind   BlockKind `json:"kind"`
	In     [2]int    `json:"in"`               // features: the stem's come first, then one of each block in order
	Output bool      `json:"output,omitempty"` // an output map of the level is made of it
}

// BlockTable is the architecture of a scale-permuted network (arXiv 1912.05027, section 3.1).
type BlockTable struct {
	Stem   []int   `json:"stem"` // levels of the stem's features, which are blocks in a row: from 2 (mobile: 1) on, each that of the one before or the next
	Blocks []Block `json:"blocks"`
}

var spineNet49 = []Block{
	{2, BlockBottleneck, [2]int{0, 1}, false},
	{4, BlockResidual, [2]int{0, 1}, false},
	{3, BlockBottleneck, [2]int{2, 3}, false},
	{4, BlockBottleneck, [2]int{2, 4}, false},
	{6, BlockResidual, [2]int{3, 5}, false},
	{4, BlockBottleneck, [2]int{3, 5}, false},
	{5, BlockResidual, [2]int{6, 7}, false},
	{7, BlockResidual, [2]int{6, 8}, false},
	{5, BlockBottleneck, [2]int{8, 9}, false},
	{5, BlockBottleneck, [2]int{8, 10}, false},
	{4, BlockBottleneck, [2]int{5, 10}, true},
	{3, BlockBottleneck, [2]int{4, 10}, true},
	{5, BlockBottleneck, [2]int{7, 12}, true},
	{7, BlockBottleneck, [2]int{5, 14}, true},
	{6, BlockBottleneck, [2]int{12, 14}, true},
}

// blockTables are the architectures that have a name.
var blockTables = map[string]*BlockTable{
	// The paper's figure 2, found by search; all sizes of SpineNet have it: tensorflow/tpu
	// models/official/detection/modeling/architecture/spinenet.py, SPINENET_BLOCK_SPECS.
	"spinenet49": {[]int{2, 2}, spineNet49},
	// The same with an endpoint of level 2, for small objects: Garden official/vision/modeling/backbones/spinenet.py, SPINENET_BLOCK_SPECS. Its detectors begin at level 3.
	"spinenet49_p2": {[]int{2, 2}, append(slices.Clip(spineNet49), Block{2, BlockBottleneck, [2]int{2, 13}, true})},
	// Garden official/vision/modeling/backbones/spinenet_mobile.py, SPINENET_BLOCK_SPECS. All blocks are used.
	"spinenet_mobile": {[]int{1, 2}, []Block{
		{2, BlockInverted, [2]int{0, 1}, false},
		{2, BlockInverted, [2]int{1, 2}, false},
		{4, BlockInverted, [2]int{1, 2}, false},
		{3, BlockInverted, [2]int{3, 4}, false},
		{4, BlockInverted, [2]int{3, 5}, false},
		{6, BlockInverted, [2]int{4, 6}, false},
		{4, BlockInverted, [2]int{4, 6}, false},
		{5, BlockInverted, [2]int{7, 8}, false},
		{7, BlockInverted, [2]int{7, 9}, false},
		{5, BlockInverted, [2]int{9, 10}, false},
		{5, BlockInverted, [2]int{9, 11}, false},
		{4, BlockInverted, [2]int{6, 11}, true},
		{3, BlockInverted, [2]int{5, 11}, true},
		{5, BlockInverted, [2]int{8, 13}, true},
		{7, BlockInverted, [2]int{6, 15}, true},
		{6, BlockInverted, [2]int{13, 15}, true},
	}},
	// The scale-permuted ResNet-50 without blocks in the stem but two, of the paper's table 1 and figure 4c.
	"r0_sp53": {[]int{2, 2}, []Block{
		{2, BlockBottleneck, [2]int{0, 1}, false},
		{3, BlockBottleneck, [2]int{0, 1}, false},
		{3, BlockBottleneck, [2]int{2, 3}, false},
		{4, BlockBottleneck, [2]int{2, 4}, false},
		{4, BlockBottleneck, [2]int{3, 5}, false},
		{3, BlockBottleneck, [2]int{5, 6}, false},
		{5, BlockBottleneck, [2]int{4, 7}, false},
		{4, BlockBottleneck, [2]int{4, 8}, false},
		{4, BlockBottleneck, [2]int{8, 9}, false},
		{4, BlockBottleneck, [2]int{8, 10}, false},
		{3, BlockBottleneck, [2]int{4, 10}, true},
		{4, BlockBottleneck, [2]int{6, 7}, true},
		{5, BlockBottleneck, [2]int{8, 13}, true},
		{7, BlockBottleneck, [2]int{6, 9}, true},
		{6, BlockBottleneck, [2]int{7, 9}, true},
	}},
	// The scale-permuted ResNet-50 with 23 layers in the stem, of the paper's table 1. Its connections are read off figure 4b by eye, with medium
	// confidence: the counts of blocks agree with the table, and the multiply-adds of a RetinaNet, 95.5 billion, are near the paper's.
	"r23_sp30": {[]int{2, 2, 3, 3, 4, 4, 5}, []Block{
		{4, BlockBottleneck, [2]int{5, 6}, false},
		{4, BlockBottleneck, [2]int{5, 6}, false},
		{4, BlockBottleneck, [2]int{7, 8}, false},
		{3, BlockBottleneck, [2]int{8, 9}, false},
		{2, BlockBottleneck, [2]int{9, 10}, false},
		{4, BlockBottleneck, [2]int{5, 9}, true},
		{3, BlockBottleneck, [2]int{9, 10}, true},
		{5, BlockBottleneck, [2]int{9, 10}, true},
		{7, BlockBottleneck, [2]int{11, 13}, true},
		{6, BlockBottleneck, [2]int{9, 14}, true},
	}},
}

// BlockTables lists the names of the architectures that Backbone.BlockTable can say.
func BlockTables() []string { return slices.Sorted(maps.Keys(blockTables)) }

// Table is the architecture of a scale-permuted backbone, nil if its name is not known. The caller must not change it.
func (b *Backbone) Table() *BlockTable {
	if b.Blocks != nil {
		return b.Blocks
	}
	return blockTables[b.BlockTable]
}

func (t *BlockTable) clone() *BlockTable {
	return &BlockTable{slices.Clone(t.Stem), slices.Clone(t.Blocks)}
}

// maxBlocks is the most blocks of a table.
const maxBlocks = 256

func (b *Backbone) validateTable(p *problems) {
	t := b.Table()
	if b.Blocks != nil && b.BlockTable != "" {
		p.add("backbone: block_table %q and blocks, want one of them", b.BlockTable)
	}
	if t == nil {
		p.add("backbone.block_table: %q, want one of %q, or blocks", b.BlockTable, BlockTables())
		return
	}
	mobile := b.Type == BackboneSpineNetMobile
	p.count("backbone.blocks.stem: number of features", len(t.Stem), 2, maxBlocks)
	p.count("backbone.blocks.blocks: number", len(t.Blocks), 1, maxBlocks)
	at := 2
	if mobile {
		at = 1
	}
	for i, l := range t.Stem {
		p.count(fmt.Sprintf("backbone.blocks.stem[%d]", i), l, at, min(at+1, maxBlockLevel))
		at = l
	}
	outputs := map[int]bool{}
	for i, blk := range t.Blocks {
		field := fmt.Sprintf("backbone.blocks.blocks[%d].", i)
		p.count(field+"level", blk.Level, 1, maxBlockLevel)
		if mobile {
			oneOf(p, field+"kind", blk.Kind, BlockInverted)
		} else {
			oneOf(p, field+"kind", blk.Kind, BlockBottleneck, BlockResidual)
		}
		for j, in := range blk.In {
			p.count(fmt.Sprintf("%sin[%d]", field, j), in, 0, len(t.Stem)+i-1)
		}
		if blk.Output && outputs[blk.Level] {
			p.add("%soutput: level %d has one already", field, blk.Level)
		}
		outputs[blk.Level] = outputs[blk.Level] || blk.Output
	}
	for l := b.MinLevel; l <= min(b.MaxLevel, maxLevel); l++ {
		if !outputs[l] {
			p.add("backbone: no block is the output of level %d", l)
		}
	}
}

// maxBlockLevel is the highest level of a block: that of the multiple that inputs are padded to.
const maxBlockLevel = 7
