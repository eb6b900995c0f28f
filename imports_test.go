package spinemask

import (
	"os"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/spinemask/spinemask"

// allowed lists which packages of ours each package may import. A package that
// is missing here may not exist.
var allowed = map[string][]string{
	"":                                     {"box", "boxhead", "classifier", "config", "engine", "graph", "internal/core/imageio", "internal/core/kernels", "internal/core/network", "internal/core/overlay", "internal/core/parallel", "internal/core/preprocess", "internal/core/resultjson", "maskhead", "rle", "retinanet", "roialign", "rpn", "weights"},
	"analysis":                             {"coco", "cocoeval"},
	"backbone":                             {"config", "graph"},
	"bench/models":                         {"config", "internal/command/bench", "internal/core/network", "internal/testkit/testweights", "weights"},
	"bench/search/longer":                  {"bench/search/tabular", "config", "dataset", "internal/command/searchreport", "internal/command/trials", "search/proxy"},
	"bench/search/regret":                  {"bench/search/tabular", "search"},
	"bench/search/tabular":                 {"backbone", "config", "graph", "internal/core/backprop", "internal/core/parallel", "search", "train/loss", "train/optim"},
	"bench/search/world":                   {"bench/search/tabular"},
	"bench/tables":                         {"analysis", "coco", "cocoeval"},
	"bench/torture/damage":                 {"internal/testkit/modelfiles"},
	"bench/interop/network":                {"classifier", "config", "engine", "graph", "internal/core/imageio", "internal/core/network", "internal/core/parallel", "internal/core/preprocess", "weights"},
	"box":                                  {"internal/core/portable"},
	"boxhead":                              {"box", "config", "graph", "internal/core/portable"},
	"classifier":                           {"box", "config", "graph", "internal/core/portable"},
	"coco":                                 {"internal/core/column", "rle"},
	"cocoeval":                             {"coco", "internal/core/column", "rle"},
	"config":                               {},
	"engine":                               {"graph", "internal/core/kernels", "internal/core/parallel"},
	"features":                             {""},
	"graph":                                {},
	"internal/command/bench":               {"", "config", "dataset", "engine", "graph", "internal/core/imageio", "internal/core/kernels", "internal/core/network", "internal/core/parallel", "internal/core/preprocess", "rle", "train", "weights"},
	"internal/core/column":                 {},
	"internal/command/atomicfile":          {},
	"internal/command/analysisreport":      {"analysis", "coco", "cocoeval", "dataset", "internal/core/imageio", "internal/core/overlay", "internal/core/page", "rle"},
	"internal/command/evalcmd":             {"analysis", "coco", "cocoeval", "dataset", "internal/command/analysisreport", "internal/command/atomicfile"},
	"internal/command/labelcmd":            {"coco", "dataset", "labeleval"},
	"export":                               {"", "config", "internal/core/imageio", "internal/core/overlay", "internal/core/page", "internal/core/resultjson", "internal/core/samples", "rle"},
	"internal/command/netdraw":             {"config"},
	"internal/command/onnx":                {"config", "graph", "internal/core/network"},
	"internal/command/journal":             {"export", "internal/command/atomicfile", "internal/command/filelock"},
	"internal/core/backprop":               {"graph", "internal/core/kernels", "internal/core/parallel", "internal/core/portable"},
	"internal/core/bmp":                    {},
	"internal/core/imageio":                {"internal/core/bmp", "internal/core/samples", "internal/core/tiff"},
	"internal/core/kernels":                {"internal/core/portable"},
	"internal/core/network":                {"backbone", "boxhead", "classifier", "config", "graph", "maskhead", "retinanet", "rpn"},
	"internal/core/overlay":                {"box", "internal/core/imageio", "rle"},
	"internal/core/page":                   {"internal/core/imageio", "internal/core/overlay"},
	"internal/core/parallel":               {},
	"internal/core/portable":               {},
	"internal/testkit/modelfiles":          {},
	"internal/testkit/paritytest":          {"", "box", "config", "engine", "graph", "internal/core/kernels", "internal/core/network", "internal/core/parallel", "internal/testkit/reference", "internal/testkit/testutil", "rle", "roialign", "rpn", "weights"},
	"internal/testkit/reference":           {"graph"},
	"internal/core/resultjson":             {"box", "rle"},
	"internal/core/samples":                {},
	"internal/core/tiff":                   {"internal/core/portable", "internal/core/samples"},
	"internal/core/preprocess":             {"box", "config"},
	"internal/command/filelock":            {},
	"internal/command/progress":            {},
	"internal/command/searchreport":        {"config", "internal/command/netdraw", "internal/command/trials", "internal/core/page"},
	"internal/command/trials":              {"config", "internal/command/atomicfile", "internal/command/filelock", "search/proxy"},
	"internal/command/trainreport":         {"internal/core/page"},
	"internal/testkit/testutil":            {},
	"search":                               {"config", "graph", "internal/core/network", "internal/core/portable"},
	"tile":                                 {"", "box", "config", "internal/core/imageio", "internal/core/preprocess", "rle"},
	"internal/testkit/testweights":         {"internal/testkit/testweights/formula", "weights"},
	"internal/testkit/testweights/formula": {},
	"internal/command/video":               {"internal/core/imageio"},
	"internal/command/zoo":                 {"internal/command/filelock"},
	"labeleval":                            {"coco", "rle"},
	"maskhead":                             {"box", "config", "graph", "rle"},
	"models/nuclei":                        {"", "weights"},
	"models/nuclei/remake":                 {"analysis", "coco", "cocoeval", "", "config", "internal/core/imageio", "internal/core/overlay", "internal/core/preprocess", "labeleval", "rle", "tile", "weights"},
	"models/nuclei/remake/changes":         {"train"},
	"models/nuclei/remake/clusters":        {"internal/core/imageio"},
	"models/nuclei/remake/dataset":         {"coco", "internal/core/imageio", "rle"},
	"retinanet":                            {"box", "config", "graph", "internal/core/portable", "rpn"},
	"rle":                                  {},
	"roialign":                             {"box", "config", "internal/core/kernels", "internal/core/portable"},
	"rpn":                                  {"box", "config", "graph", "internal/core/portable"},
	"search/proxy":                         {"", "box", "config", "dataset", "train"},
	"train":                                {"", "box", "coco", "cocoeval", "config", "dataset", "graph", "internal/core/backprop", "internal/core/network", "internal/core/parallel", "internal/core/portable", "internal/core/preprocess", "rle", "roialign", "rpn", "train/augment", "train/loss", "train/optim", "train/target", "weights"},
	"dataset":                              {"box", "coco", "internal/core/imageio", "internal/core/tiff", "rle"},
	"train/augment":                        {"box", "internal/core/portable", "rle"},
	"train/loss":                           {"internal/core/portable"},
	"train/optim":                          {"internal/core/portable"},
	"train/target":                         {"box", "internal/core/portable"},
	"weights":                              {"config", "graph", "internal/core/portable"},
}

// standardOnly are the packages that import nothing but the standard library
// (and of ours what allowed says).
var standardOnly = []string{"rle", "box", "graph", "config", "engine", "backbone", "boxhead", "maskhead", "rpn", "retinanet", "classifier", "roialign", "search", "internal/core/network", "internal/core/parallel"}

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

// Every package has a place in the map: internal ones by their last name in internal/README.md, the others in
// docs/architecture.md. Scripts of bench, and what lies below a package of the map, are named with it.
func TestImportsAndMapNameTheSamePackages(t *testing.T) {
	read := func(name string) string {
		text, err := os.ReadFile(name)
		require.NoError(t, err)
		return string(text)
	}
	architecture, wings := read("docs/architecture.md"), read("internal/README.md")
	for pkg := range allowed {
		parent := path.Dir(pkg)
		if _, below := allowed[parent]; pkg == "" || strings.HasPrefix(pkg, "bench/") || below && parent != "train" {
			continue
		}
		file, text, name := "docs/architecture.md", architecture, pkg
		if strings.HasPrefix(pkg, "internal/") {
			file, text, name = "internal/README.md", wings, path.Base(pkg)
		}
		require.Contains(t, text, "`"+name+"`", "%s has no place in %s", pkg, file)
	}
}

// The wings of internal: nothing that ships imports what tests are made of, and
// what the library is made of does not import what the command is made of.
func TestWingsOfInternal(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
	require.NoError(t, err)
	for line := range strings.Lines(string(out)) {
		pkg, imports, _ := strings.Cut(strings.TrimSpace(line), " ")
		inKit := strings.HasPrefix(pkg, module+"/internal/testkit/")
		inCommand := strings.HasPrefix(pkg, module+"/internal/command/") || strings.HasPrefix(pkg, module+"/cmd/")
		inTool := strings.HasPrefix(pkg, module+"/bench/") || pkg == module+"/models/nuclei/remake" // run by hand, by scripts and by .ci/run
		require.True(t, inKit || inTool || !strings.Contains(imports, module+"/internal/testkit/"), "%s imports %s", pkg, imports)
		require.True(t, inCommand || inTool || !strings.Contains(imports, module+"/internal/command/"), "%s imports %s", pkg, imports)
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
	for _, not := range []string{module + "/engine", module + "/internal/core/kernels", module + "/graph"} {
		require.NotContains(t, eval, not)
	}
}
