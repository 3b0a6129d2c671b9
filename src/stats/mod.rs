//! Statistics of a few paired runs: means and intervals, exact tests, what could have been detected.
//!
//! Pure functions. Distribution functions are `statrs`'s; tests hold every number against SciPy's, R's or an enumeration.
//!
//! | question | module |
//! | --- | --- |
//! | does the paper's number come from our distribution of runs? | `prediction` |
//! | which reading of an open detail foretells the paper's numbers? | `reading` |
//! | is there a difference, in which of many claims? | `paired`, `joint_sign_flip`; on separate p values `holm` |
//! | the same, after every pair of runs? | `spending` with a plan, `e_value` without |
//! | is it worth going on? | `futility` |
//! | is there no difference that matters? | `equivalence` |
//! | could the paper's design have seen it? | `telescopes` |
//! | how many pairs are needed? | `power` |
//! | how often are these tests wrong? | `simulation` |
//! | is it the seeds or the test images? | `variance`, `crossed`, `binomial` |
//! | how often does the better loss win? | `superiority` |
//! | what do laboratories say together? | `pooling`, `e_value` |

mod undefined;
mod draws;
mod summary;
mod student;
mod signs;
mod binomial;
mod curve;
mod holm;
mod paired;
mod prediction;
mod reading;
mod joint_sign_flip;
mod spending;
mod power;
mod e_value;
mod equivalence;
mod futility;
mod telescopes;
mod variance;
mod crossed;
mod superiority;
mod pooling;
mod simulation;

pub use binomial::{accuracy_standard_error, mcnemar_bounds};
pub use crossed::{CrossedBootstrap, crossed_bootstrap};
pub use curve::curve_noise;
pub use draws::Simulated;
pub use e_value::{adjusted_e_values, e_value, product_of_laboratories};
pub use equivalence::{Equivalence, equivalence, equivalence_power, pairs_for_equivalence, sign_flip_equivalence};
pub use futility::{Future, chance_of_equivalence, chance_to_decide};
pub use holm::holm;
pub use joint_sign_flip::{FlipP, JointSignFlip, joint_sign_flip};
pub use paired::{SignFlip, sign_flip, t_interval};
pub use pooling::{Laboratory, Pooled, pool};
pub use power::FamilyTest;
pub use prediction::{PooledSpread, Prediction};
pub use reading::{ReadingFit, reading_fit};
pub use signs::{Differences, EXACT_PAIRS, Patterns};
pub use simulation::{Procedure, Rates, Scenario, simulate};
pub use spending::{SPENDING_EXPONENT, Spending, SpendingPlan, spending};
pub use summary::{mean, sample_sd, spread};
pub use superiority::{probability_of_superiority, superiority_interval};
pub use telescopes::{PaperPower, SmallTelescope, one_pair_power, paper_power, small_telescope};
pub use undefined::Undefined;
pub use variance::{VarianceSplit, variance_split};
