package netdraw

import (
	"encoding/xml"
	"io"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/spinemask/spinemask/config"
)

// drawing counts the elements of a picture, which is well-formed XML.
func drawing(t *testing.T, table, title string) (text string, elements map[string]int) {
	c, err := config.ScalePermuted(table)
	require.NoError(t, err)
	var b strings.Builder
	require.NoError(t, Draw(&b, c.Backbone.Table(), title))
	elements = map[string]int{}
	for d := xml.NewDecoder(strings.NewReader(b.String())); ; {
		token, err := d.Token()
		if err == io.EOF {
			return b.String(), elements
		}
		require.NoError(t, err)
		if start, ok := token.(xml.StartElement); ok {
			elements[start.Name.Local]++
		}
	}
}

// Figure 2 of the paper: 15 blocks with two parents each and one that joins an output, four of them residual, five outputs, levels 2 to 7.
func TestDrawSpineNet49(t *testing.T) {
	text, elements := drawing(t, "spinenet49", "a < b")
	const lines, diamonds = 1 + 2*15 + 1, 4 // the first line is between the stem's blocks
	require.Equal(t, lines+diamonds, elements["path"])
	require.Equal(t, 1+17-diamonds, elements["rect"])
	require.Equal(t, 6, elements["line"])
	require.Equal(t, 5, strings.Count(text, "#d00000"))
	require.Equal(t, 1, strings.Count(text, "dasharray"))
	require.Equal(t, 2, strings.Count(text, "#b8b8b8"))
	for _, want := range []string{">L2<", ">L7<", ">16<", "a &lt; b"} {
		require.Contains(t, text, want)
	}
}

func TestDrawEveryNamedTable(t *testing.T) {
	for _, name := range config.BlockTables() {
		text, elements := drawing(t, name, name)
		outputs := 0
		for _, b := range (&config.Backbone{BlockTable: name}).Table().Blocks {
			if b.Output {
				outputs++
			}
		}
		require.Equal(t, outputs, strings.Count(text, "#d00000"), name)
		require.Greater(t, elements["rect"], 10, name)
	}
}

// Joined parents: feature 11 of SpineNet-49 and 12 of mobile SpineNet, as the original code makes them.
func TestWhoJoinsAnOutput(t *testing.T) {
	for table, want := range map[string][2]int{"spinenet49": {11, 14}, "spinenet_mobile": {12, 15}, "r0_sp53": {11, 13}} {
		c, err := config.ScalePermuted(table)
		require.NoError(t, err)
		var found [][2]int
		for i, n := range nodes(c.Backbone.Table()) {
			for _, p := range n.in[n.joined:] {
				found = append(found, [2]int{p, i})
			}
		}
		require.Equal(t, [][2]int{want}, found, table)
	}
	c, err := config.ScalePermuted("r23_sp30")
	require.NoError(t, err)
	for _, n := range nodes(c.Backbone.Table()) {
		require.Len(t, n.in, n.joined, "the stem's blocks feed the next")
	}
}
