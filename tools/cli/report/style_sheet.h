// How the report looks: light and dark as the reader's system is, one column on a telephone, two
// where there is room. Names have a line of their own up to where the widest table has room.
#pragma once

namespace caveat::cli {

inline constexpr const char* kStyleSheet = R"css(
:root { color-scheme: light dark; --page: #fbfaf7; --ink: #1d2430; --soft: #5a6372; --line: #dcdfe4;
  --card: #ffffff; --bar: #2f6db5; --good: #1e7a46; --bad: #b3261e; }
@media (prefers-color-scheme: dark) {
  :root { --page: #14171c; --ink: #e6e9ee; --soft: #a2abb9; --line: #333a45; --card: #1c2027;
    --bar: #6ea8e6; --good: #6bcf95; --bad: #ff8a80; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1.5rem clamp(1rem, 4vw, 3rem) 3rem; max-width: 76rem;
  background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .25rem; padding-top: .75rem; border-top: 1px solid var(--line); }
p { margin: .25rem 0 1rem; max-width: 46rem; }
a { color: var(--bar); }
code { font-family: ui-monospace, monospace; font-size: .9em; white-space: nowrap; }
.soft, .unit { color: var(--soft); font-weight: normal; }
.good { color: var(--good); } .bad { color: var(--bad); }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; margin: .5rem 0; padding: 0; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem;
  margin: 1rem 0; padding: 0; }
.cards div { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .9rem; }
.cards dt { color: var(--soft); font-size: .85rem; }
.cards dd { margin: 0; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.cards dd small { display: block; font-size: .8rem; font-weight: normal; color: var(--soft); }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 0 2.5rem; align-items: start; }
.pair > * { min-width: 0; }
.table { margin: 1rem 0 1.5rem; }
.wide { overflow-x: auto; }
.wide:focus-visible, summary:focus-visible, a:focus-visible { outline: 2px solid var(--bar); outline-offset: 2px; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; font-variant-numeric: tabular-nums; }
.caption, figcaption { margin: 0; font-weight: 600; padding-bottom: .35rem; font-size: .95rem; overflow-wrap: anywhere; }
th, td { text-align: left; padding: .2rem .6rem .2rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { font-weight: normal; overflow-wrap: anywhere; min-width: 6.5rem; }
thead th { color: var(--soft); font-size: .8rem; min-width: 0; vertical-align: bottom; overflow-wrap: normal; }
.n { text-align: right; white-space: nowrap; }
thead .n { white-space: normal; }
.note { color: var(--soft); font-size: .8rem; padding-left: .6rem; min-width: 24rem; }
.bar { width: 22%; min-width: 3.5rem; }
.bar svg { width: 100%; height: .8rem; display: block; margin-top: .32rem; }
svg rect { fill: var(--bar); }
figure { margin: 1rem 0 1.5rem; }
figure svg { width: 100%; height: auto; display: block; }
figure svg text { fill: var(--soft); font-size: 11px; }
figure svg .y { text-anchor: end; }
.grid { stroke: var(--line); }
details { font-size: .9rem; } summary { cursor: pointer; color: var(--soft); }
.long { font-size: inherit; overflow-wrap: anywhere; } .long summary { color: inherit; list-style: none; word-break: break-all; }
.long summary::-webkit-details-marker { display: none; }
@media (max-width: 60rem) {
  .tall table, .tall thead, .tall tbody { display: block; }
  .tall tr { display: grid; grid-template-columns: repeat(var(--cells), minmax(0, 1fr)); gap: 0 .6rem;
    border-bottom: 1px solid var(--line); padding: .3rem 0; }
  .tall th, .tall td { border: 0; padding: 0; min-width: 0; }
  .tall tbody th, .tall thead th:first-child, .tall .note { grid-column: 1 / -1; }
  .tall .bar { grid-column: 1 / -1; width: 100%; }
  .tall thead .bar, .tall thead th:empty { display: none; }
  .tall .bar svg { height: .25rem; margin: .15rem 0 .25rem; }
  .tall .n { text-align: left; font-size: .85rem; }
  .tall thead .n { font-size: .75rem; } }
@media (max-width: 26rem) { th { min-width: 5rem; } th, td { padding-right: .4rem; } .bar { width: 14%; min-width: 1.5rem; }
  figure svg text { font-size: 14px; } }
@media print { details:not(.long) { display: none; } body { max-width: none; } }
)css";

}  // namespace caveat::cli
