// SPDX-License-Identifier: Apache-2.0
// A node of BehaviorTree.CPP that operates an element: the action of the planner, whose result
// sets the ports `outcome` and `message`. Halting the node cancels the goal, which halts the arm.

#include <optional>
#include <string>
#include <vector>

#include "afformer_ros/action/operate_element.hpp"
#include "behaviortree_ros2/bt_action_node.hpp"
#include "behaviortree_ros2/plugins.hpp"

using afformer_ros::action::OperateElement;

class OperateElementNode : public BT::RosActionNode<OperateElement>
{
public:
  using BT::RosActionNode<OperateElement>::RosActionNode;

  static BT::PortsList providedPorts()
  {
    return providedBasicPorts({
      BT::InputPort<std::vector<std::string>>("demonstrations", "names, separated by ';'"),
      BT::InputPort<std::string>("action", "", "such as pull"),
      BT::InputPort<unsigned>("attempts", 0, "0: the parameter of the planner"),
      BT::InputPort<bool>("accept_not_visible", false, "whether NOT_VISIBLE is a success, too"),
      BT::InputPort<double>("speed_scale", 0.0, "0: the parameter of the planner"),
      BT::InputPort<double>("maximum_force", 0.0, "newtons; 0: the parameter of the planner"),
      BT::InputPort<double>("gripper_effort", 0.0, "0: the parameter of the planner"),
      BT::OutputPort<int>("outcome", "a constant of the action's result"),
      BT::OutputPort<std::string>("message", "one sentence for a person"),
    });
  }

  bool setGoal(Goal & goal) override
  {
    return getInput("demonstrations", goal.demonstrations) && getInput("action", goal.action) &&
           getInput("attempts", goal.attempts) &&
           getInput("accept_not_visible", goal.accept_not_visible) &&
           getInput("speed_scale", goal.speed_scale) &&
           getInput("maximum_force", goal.maximum_force) &&
           getInput("gripper_effort", goal.gripper_effort);
  }

  BT::NodeStatus onResultReceived(const WrappedResult & wrapped) override
  {
    const auto & result = *wrapped.result;
    setOutput("outcome", static_cast<int>(result.outcome));
    setOutput("message", result.message);
    const bool done = wrapped.code == rclcpp_action::ResultCode::SUCCEEDED;
    return done ? BT::NodeStatus::SUCCESS : BT::NodeStatus::FAILURE;
  }

  using BT::RosActionNode<OperateElement>::onFailure;

  // The planner aborts a goal whose element is not operated; the result has the reason. This
  // overload is in BehaviorTree.ROS2 since October 2025.
  BT::NodeStatus onFailure(
    BT::ActionNodeErrorCode error, const std::optional<WrappedResult> & wrapped) override
  {
    if (wrapped && wrapped->result) {
      return onResultReceived(*wrapped);
    }
    setOutput("outcome", static_cast<int>(OperateElement::Result::NO_ANSWER));
    setOutput("message", std::string(BT::toStr(error)));
    return BT::NodeStatus::FAILURE;
  }
};

CreateRosNodePlugin(OperateElementNode, "OperateElement");
