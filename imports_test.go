package spinemask

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/spinemask/spinemask"

// allowed lists which packages of ours each package may import. A package that
// is missing here may not exist.
var allowed = map[string][]string{
	"":                             {"box", "boxhead", "config", "engine", "graph", "internal/imageio", "internal/kernels", "internal/network", "internal/overlay", "internal/parallel", "internal/preprocess", "maskhead", "rle", "roialign", "rpn", "weights"},
	"backbone":                     {"config", "graph"},
	"bench/torture/damage":         {},
	"box":                          {},
	"boxhead":                      {"box", "config", "graph"},
	"coco":                         {"internal/column", "rle"},
	"cocoeval":                     {"coco", "internal/column", "rle"},
	"config":                       {},
	"engine":                       {"graph", "internal/kernels", "internal/parallel"},
	"features":                     {""},
	"graph":                        {},
	"internal/bench":               {"", "config", "engine", "graph", "internal/imageio", "internal/kernels", "internal/network", "internal/parallel", "internal/preprocess", "weights"},
	"internal/column":              {},
	"internal/dsb":                 {},
	"internal/evalcmd":             {"coco", "cocoeval"},
	"internal/export":              {"", "config", "internal/imageio", "rle"},
	"internal/journal":             {"internal/export"},
	"internal/imageio":             {},
	"internal/kernels":             {},
	"internal/network":             {"backbone", "boxhead", "config", "graph", "maskhead", "rpn"},
	"internal/overlay":             {"box", "internal/imageio", "rle"},
	"internal/parallel":            {},
	"internal/paritytest":          {"", "box", "config", "engine", "graph", "internal/kernels", "internal/network", "internal/parallel", "internal/reference", "internal/testutil", "rle", "roialign", "rpn", "weights"},
	"internal/reference":           {"graph"},
	"internal/preprocess":          {"box", "config"},
	"internal/progress":            {},
	"internal/testutil":            {},
	"internal/tile":                {"", "box", "internal/imageio", "rle"},
	"internal/testweights":         {"internal/testweights/formula", "weights"},
	"internal/testweights/formula": {},
	"internal/video":               {"internal/imageio"},
	"internal/zoo":                 {},
	"maskhead":                     {"box", "config", "graph", "rle"},
	"models/nuclei":                {""},
	"models/nuclei/remake":         {"coco", "cocoeval", "", "config", "internal/dsb", "internal/imageio", "internal/overlay", "rle", "weights"},
	"rle":                          {},
	"roialign":                     {"box", "config", "internal/kernels"},
	"rpn":                          {"box", "config", "graph"},
	"weights":                      {"config", "graph"},
}

// standardOnly are the packages that import nothing but the standard library
// (and of ours what allowed says).
var standardOnly = []string{"rle", "box", "graph", "config", "engine", "backbone", "boxhead", "maskhead", "rpn", "roialign", "internal/network", "internal/parallel"}

func TestImportsFollowTheArchitecture(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		pkg := strings.TrimPrefix(strings.TrimPrefix(fields[0], module), "/")
		if strings.HasPrefix(pkg, "cmd/") {
			continue
		}
		ours, known := allowed[pkg]
		parent := pkg
		for !known && strings.Contains(parent, "/internal/") { // internals of a package belong to it
			parent = parent[:strings.LastIndex(parent, "/internal/")]
			ours, known = allowed[parent]
		}
		require.True(t, known, "package %s has no place in the architecture", pkg)
		for _, imp := range fields[1:] {
			if imp == module || strings.HasPrefix(imp, module+"/") {
				imp = strings.TrimPrefix(strings.TrimPrefix(imp, module), "/")
				inside := parent != "" && strings.HasPrefix(imp, parent+"/internal/")
				require.True(t, inside || slices.Contains(ours, imp), "%s imports %s", pkg, imp)
			} else if slices.Contains(standardOnly, pkg) {
				require.NotContains(t, strings.SplitN(imp, "/", 2)[0], ".", "%s imports %s", pkg, imp)
			}
		}
	}
}

// Who imports the library does not carry the built-in model, gorgonia's tensors
// or the evaluator; the evaluator does not carry the network.
func TestWhatTheLibraryDoesNotCarry(t *testing.T) {
	deps := func(pkg string) string {
		out, err := exec.Command("go", "list", "-deps", pkg).Output()
		require.NoError(t, err, pkg)
		return string(out)
	}
	root := deps(".")
	for _, not := range []string{module + "/models", "gorgonia.org/", module + "/coco", "github.com/spf13/cobra"} {
		require.NotContains(t, root, not)
	}
	eval := deps("./cocoeval")
	for _, not := range []string{module + "/engine", module + "/internal/kernels", module + "/graph"} {
		require.NotContains(t, eval, not)
	}
}
