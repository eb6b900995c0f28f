package search

import (
	"fmt"
	"math/big"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// The numbers of architectures in docs/search.md are those of Size.
func TestDocumentedSizes(t *testing.T) {
	doc, err := os.ReadFile("../docs/search.md")
	require.NoError(t, err)
	superscript := strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
	for _, name := range Spaces() {
		mantissa, exponent, _ := strings.Cut(fmt.Sprintf("%.1e", new(big.Float).SetInt(NamedSpace(name).Size())), "e+")
		size := mantissa + "·10" + superscript.Replace(exponent)
		found := false
		for line := range strings.Lines(string(doc)) {
			found = found || strings.HasPrefix(line, "| `"+name+"`") && strings.Contains(line, "| "+size+" |")
		}
		require.True(t, found, "%s: %s", name, size)
	}
}
