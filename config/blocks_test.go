package config

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestBlockTablesByNameAndByText(t *testing.T) {
	for _, name := range BlockTables() {
		c, err := ScalePermuted(name)
		require.NoError(t, err)
		text, err := json.Marshal(c.Backbone.Table())
		require.NoError(t, err)
		d, err := ScalePermuted(string(text))
		require.NoError(t, err)
		require.Equal(t, c.Backbone.Table(), d.Backbone.Table())
		require.Empty(t, d.Backbone.BlockTable)

		whole, err := json.Marshal(d)
		require.NoError(t, err)
		back, err := Parse(whole)
		require.NoError(t, err)
		require.Equal(t, d, back)
		copied := d.Clone()
		copied.Backbone.Blocks.Blocks[0].Level = 99
		copied.Backbone.Blocks.Stem[0] = 99
		require.Equal(t, back, d, "a clone shares nothing")
	}
}

// Blocks of each kind and level by the paper's table 1: R0-SP53 {2,0,0,0}/{1,4,6,2,1,1}, R23-SP30 {2,2,2,1}/{1,2,4,1,1,1}, SpineNet-49 {2,0,0,0}/{1,2,4,4,2,2}.
func TestBlocksOfThePaper(t *testing.T) {
	for name, want := range map[string][2]map[int]int{
		"r0_sp53":    {{2: 2}, {2: 1, 3: 4, 4: 6, 5: 2, 6: 1, 7: 1}},
		"r23_sp30":   {{2: 2, 3: 2, 4: 2, 5: 1}, {2: 1, 3: 2, 4: 4, 5: 1, 6: 1, 7: 1}},
		"spinenet49": {{2: 2}, {2: 1, 3: 2, 4: 4, 5: 4, 6: 2, 7: 2}},

		"spinenet49_p2": {{2: 2}, {2: 2, 3: 2, 4: 4, 5: 4, 6: 2, 7: 2}}, // and the Model Garden's block of level 2
	} {
		stem, blocks := map[int]int{}, map[int]int{}
		for _, l := range blockTables[name].Stem {
			stem[l]++
		}
		for _, b := range blockTables[name].Blocks {
			blocks[b.Level]++
		}
		require.Equal(t, want, [2]map[int]int{stem, blocks}, name)
	}
}

func TestBlockTablesThatAreNot(t *testing.T) {
	_, err := ScalePermuted("r1")
	require.EqualError(t, err, `config: block table "r1", want one of ["r0_sp53" "r23_sp30" "spinenet49" "spinenet49_p2" "spinenet_mobile"], or JSON`)
	for text, want := range map[string]string{
		`{"stem":[2,2],"blocks":[]`:                                             "config: block table: unexpected EOF",
		`{"stem":[2,2],"blocks":[]} x`:                                          "config: block table: data after the end at offset",
		`{"stem":[2,2],"blocks":[],"more":1}`:                                   `unknown field "more"`,
		`{"stem":[2],"blocks":[]}`:                                              "config: backbone.blocks.stem: number of features: 1, want 2 to 256",
		`{"stem":[2,4],"blocks":[]}`:                                            "config: backbone.blocks.stem[1]: 4, want 2 to 3",
		`{"stem":[3,2],"blocks":[]}`:                                            "config: backbone.blocks.stem[1]: 2, want 3 to 4",
		`{"stem":[2,2],"blocks":[]}`:                                            "config: backbone: no block is the output of level 3",
		`{"stem":[2,2],"blocks":[{"level":3,"in":[0,2]}]}`:                      "config: backbone.blocks.blocks[0].in[1]: 2, want 0 to 1",
		`{"stem":[2,2],"blocks":[{"level":9,"in":[0,1]}]}`:                      "config: backbone.blocks.blocks[0].level: 9, want 1 to 7",
		`{"stem":[2,2],"blocks":[{"level":3,"kind":"transformer","in":[0,1]}]}`: `config: backbone.blocks.blocks[0].kind: "transformer", want "bottleneck" or "residual"`,
	} {
		_, err := ScalePermuted(text)
		require.ErrorContains(t, err, want, text)
	}
}
